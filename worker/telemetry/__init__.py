"""Logs, journal lines and traces."""
