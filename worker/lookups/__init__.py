"""What tools look up: customers, knowledge, earlier and similar tickets."""
