"""The local tier: a classifier on this machine, and how it learns."""
