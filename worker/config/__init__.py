"""Settings and the files they name."""
