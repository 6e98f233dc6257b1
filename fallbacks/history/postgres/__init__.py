"""History in PostgreSQL, for a team."""
