"""Erasure: texts go from every place, structure and money stay, and a receipt says what was found where."""
