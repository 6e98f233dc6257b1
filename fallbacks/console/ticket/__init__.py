"""One ticket: its page, what is done there, and the next one."""
