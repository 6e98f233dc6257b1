"""Wires an evaluation from the settings: the tiers and tools that would work the tickets, over empty books."""

from collections.abc import Iterable
from typing import Any

from tasks.safety.canary import new_canary
from tasks.triage.taxonomy import Taxonomy
from worker.config.settings import LOCAL, Settings, load_settings
from worker.evaluation.empty_store import EmptyStore
from worker.evaluation.run import Bench, Closable
from worker.service.celery_factory import sender_app
from worker.wiring import Parts
from worker.work.executor import Tier

_NOWHERE = "redis://127.0.0.1:1/0"


def bench(settings: Settings) -> Bench:
    """What `deskhand eval` measures. Tools are looked up only where a tier reads what they find."""
    parts = _parts(settings)
    reads = any(name != LOCAL for name in settings.tiers)
    return Bench(
        process=parts.process,
        tiers=parts.tiers,
        tools=parts.tools if reads else {},
        limits=settings.limits,
        max_output_tokens=settings.max_output_tokens,
        call_seconds=settings.call_seconds,
        canary=new_canary(),
    )


def settings_with(model: str | None, **changed: Any) -> Settings:
    """The settings with this model in the place of all tiers (None: as set). Raises `SettingsError`."""
    return load_settings(**({} if model is None else {"models": (model,)}), **changed)


def tiers_of(settings: Settings, model: str, taxonomy: Taxonomy) -> tuple[Tier, ...]:
    """The one tier of another model, over this taxonomy."""
    parts = _parts(settings_with(model, home=settings.home))
    parts.__dict__["taxonomy"] = taxonomy
    return parts.tiers


async def close_models(tiers: Iterable[Tier]) -> None:
    """Close what the models hold open."""
    for tier in tiers:
        if isinstance(tier.model, Closable):
            await tier.model.aclose()


def _parts(settings: Settings) -> Parts:
    return Parts(settings, sender_app(settings, _NOWHERE), _NOWHERE, lambda _: EmptyStore())
