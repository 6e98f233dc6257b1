"""What people do with what waits for them, and what they are shown of it."""
