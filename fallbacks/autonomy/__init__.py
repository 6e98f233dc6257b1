"""Earned autonomy: when a kind of decision may be made alone, and when that right ends."""
