"""What people's decisions say of the kinds themselves: confused, missing, growing, fitting."""
