"""Mail as tickets: what a person would read of it, who it is from, and whether a machine sent it."""
