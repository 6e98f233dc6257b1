"""What the score of the injection screen may cause."""

from enum import Enum

MARKED_FROM = 0.5
"""Odds of one to one: one telling mark, or two weak ones."""

HANDED_OFF_FROM = 0.95
"""About two telling marks."""


class Grade(Enum):
    """Of one text."""

    CLEAR = "clear"
    """Nothing follows."""
    MARKED = "marked"
    """A person decides, and sees where and why."""
    STRONG = "strong"
    """It is handed off to the queue `security`."""
