"""Between the store and history: how a ticket leaves, comes back and is known again."""
