"""`/v1/tickets` and what belongs to a ticket: its journal, messages, search, hooks, erasure."""
