"""What queues and lists of a broker are called. Another namespace has names of its own."""

from worker.config.settings import Settings


def queue_names(settings: Settings) -> dict[str, str]:
    """Celery and kombu queue names by kind."""
    prefix = "" if settings.namespace == "deskhand" else f"{settings.namespace}."
    return {kind: f"{prefix}{kind}" for kind in ("tickets", "handoff", "intake")}


def poison_key(settings: Settings) -> str:
    """The list of messages that Celery could not survive, on a Redis broker."""
    return f"{settings.namespace}:poison"
