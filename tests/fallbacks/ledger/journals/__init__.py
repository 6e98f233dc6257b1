"""Journals as releases wrote them, each kept for ever."""
