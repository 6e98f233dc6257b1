"""Wires evaluations and replays: the agent and the tiers that would work the tickets, over an empty store."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from fallbacks.history.no_history import NONE
from tasks.run.ports import Model
from tasks.run.prompt import Prompt
from tasks.safety.canary import new_canary
from tasks.ticket import Ticket
from tasks.triage.process import Triage
from tasks.triage.taxonomy import Taxonomy
from worker.config.settings import LOCAL, Settings, load_settings
from worker.evaluation.empty_store import EmptyStore
from worker.evaluation.run import Bench, not_ahead
from worker.models.tier import Tier
from worker.service.celery_factory import sender_app
from worker.wiring import Parts

_NOWHERE = "redis://127.0.0.1:1/0"


def bench(settings: Settings, prompt: Prompt | None = None) -> Bench:
    """What `deskhand eval` measures. prompt: in the place of the one in force. Tools are looked up
    only where a tier reads what they find.
    """
    parts = _parts(settings)
    reads = any(name != LOCAL for name in settings.tiers)
    words = parts.prompt if prompt is None else prompt.at(settings.remote_min_confidence)
    process = Triage(parts.taxonomy, words)
    agent = replace(parts.agent, process=process, tools=parts.tools if reads else {}, canary=new_canary())
    team_of = parts.taxonomy.team_of
    ahead = _ahead(parts.tiers[0].model)
    return Bench(agent, parts.tiers, settings.limits, team_of, fields=parts.taxonomy.fields, read_ahead=ahead)


def _ahead(model: Model) -> Callable[[Sequence[Ticket]], None]:
    if model.name != LOCAL:
        return not_ahead
    from worker.models.local.model import LocalModel  # numpy only where it is in use
    from worker.models.local.processes import read_ahead

    return partial(read_ahead, model) if isinstance(model, LocalModel) else not_ahead


def settings_with(model: str | None, **changed: Any) -> Settings:
    """The settings with this model in the place of all tiers (None: as set). Raises `SettingsError`."""
    return load_settings(**({} if model is None else {"models": (model,)}), **changed)


def tiers_of(settings: Settings, model: str, taxonomy: Taxonomy) -> tuple[Tier, ...]:
    """The one tier of another model, over this taxonomy."""
    parts = _parts(settings_with(model, home=settings.home))
    parts.__dict__["taxonomy"] = taxonomy
    return parts.tiers


def _parts(settings: Settings) -> Parts:
    alone = settings.model_copy(update={"history_url": NONE})  # what has ended here is not shown to it
    return Parts(alone, sender_app(alone, _NOWHERE), _NOWHERE, lambda _: EmptyStore())
