"""Documents of old months, in files outside of the database."""
