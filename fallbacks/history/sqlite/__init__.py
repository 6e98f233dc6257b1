"""History in SQLite: one file, for one machine."""
