"""What an operator meets at night, staged: from the fault to the alert, to its cause, to its cure. `make scenarios`."""
