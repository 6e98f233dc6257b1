"""The first process: which label, team and priority a ticket gets."""
