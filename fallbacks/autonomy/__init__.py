"""Earned autonomy: when a label may be decided alone, and when that right ends."""
