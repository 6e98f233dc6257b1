"""Wires an evaluation from the settings: the tiers and tools that would work the tickets, over empty books."""

from worker.celery_factory import sender_app
from worker.empty_books import EmptyBooks
from worker.evaluation_run import Bench
from worker.settings import LOCAL, Settings
from worker.wiring import Parts

_NOWHERE = "redis://127.0.0.1:1/0"


def bench(settings: Settings) -> Bench:
    """What `deskhand eval` measures. Tools are looked up only where a tier reads what they find."""
    parts = Parts(settings, sender_app(settings, _NOWHERE), _NOWHERE, lambda _: EmptyBooks())
    reads = any(name != LOCAL for name in settings.tiers)
    return Bench(
        taxonomy=parts.taxonomy,
        tiers=parts.tiers,
        tools=parts.tools if reads else {},
        limits=settings.limits,
        max_output_tokens=settings.max_output_tokens,
        call_seconds=settings.call_seconds,
    )
