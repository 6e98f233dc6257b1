"""What leads and operators look at and switch."""
