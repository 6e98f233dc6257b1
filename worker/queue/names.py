"""What queues and lists of a broker are called. Another namespace has names of its own."""

from functools import cache

from worker.config.settings import Settings

SEPARATORS = ("\x06\x16", ":")
"""kombu's own, and the one that Celery's documentation recommends."""

AHEAD = "deskhand_ahead"
"""Header of a message that goes to the head of its queue."""

STEPS = tuple(range(10))
"""Whatever steps a client has (kombu's are 0, 3, 6 and 9), it names one of these."""


def queue_names(settings: Settings) -> dict[str, str]:
    """Celery and kombu queue names by kind."""
    prefix = "" if settings.namespace == "deskhand" else f"{settings.namespace}."
    return {kind: f"{prefix}{kind}" for kind in ("tickets", "handoff", "intake")}


def poison_key(settings: Settings) -> str:
    """The list of messages that Celery could not survive, on a Redis broker."""
    return f"{settings.namespace}:poison"


@cache
def lists_of(queue: str) -> tuple[str, ...]:
    """The Redis lists of a queue: a producer's client picks one by `priority`, with its own steps and separator.

    First its own list, which nearly every message is on, and then the others, the most urgent first.
    """
    return queue, *(f"{queue}{separator}{step}" for step in STEPS[1:] for separator in SEPARATORS)
