"""Outcomes and notices on their way out."""
