"""How long things last in a campaign: not a wait for anything, and so no condition to poll."""

import threading


def last(seconds: float) -> None:
    """Let a fault, or work between two faults, go on for so long."""
    threading.Event().wait(seconds)
