"""The Redis lists of one queue: a producer's client picks one by `priority`, with its own steps and separator."""

SEPARATORS = ("\x06\x16", ":")
"""kombu's own, and the one that Celery's documentation recommends."""

STEPS = tuple(range(10))
"""Whatever steps a client has (kombu's are 0, 3, 6 and 9), it names one of these."""


def lists_of(queue: str) -> tuple[str, ...]:
    """The queue's own list, which nearly every message is on, and then the others, the most urgent first."""
    return queue, *(f"{queue}{separator}{step}" for step in STEPS[1:] for separator in SEPARATORS)
