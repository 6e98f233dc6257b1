"""Commands of upstream systems."""
