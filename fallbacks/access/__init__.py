"""Who may do what: people, their sessions and roles, and API keys."""
