"""The agent's tools as people see them: what each is for and may do, and what came of it in the last day."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fallbacks.ledger.sums.meters import CHARS_PER_TOKEN, TOOL_SECONDS, Histogram, of_tools, series
from fallbacks.ledger.sums.trend import Change, Seen, compared, seen
from fallbacks.ledger.views import Stats
from fallbacks.store.port import Store
from tasks.run.approval import Approval, Ask, Over
from tasks.run.tool import ToolDefinition

FAILED = ("error", "timeout", "refused", "invalid")
NO_USE = Histogram((), 0.0)


@dataclass(frozen=True, slots=True)
class Use:
    """What came of a tool's calls. failures: by outcome. p50, p95: seconds, None without a call.

    tokens: of its results. hours: how long was looked at, a day at most.
    """

    calls: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    p50: float | None = None
    p95: float | None = None
    tokens: int = 0
    hours: float = 0.0


@dataclass(frozen=True, slots=True)
class Card:
    """A tool as it is declared. about: its docstring. brought_by: a package, or "deskhand".

    allowed: the agent may call it here, or, for what is not `offered`, it is asked before every run.
    shown_tokens: what its declaration costs in every request. approval: when a person must approve a call: "always",
    "until_earned", "over FIELD LIMIT", or "" for never. ends: whoever approves one decides the ticket by that.
    """

    name: str
    about: str
    effect: str
    offered: bool
    allowed: bool
    brought_by: str
    timeout_seconds: float
    calls_per_run: int
    calls_per_minute: int
    schema: Mapping[str, Any]
    shown_tokens: int
    settings: tuple[str, ...] = ()
    approval: str = ""
    ends: bool = False

    @property
    def title(self) -> str:
        """The first sentence of what it is for."""
        return self.about.split("\n\n", 1)[0].replace("\n", " ")


def card(definition: ToolDefinition, *, allowed: bool, brought_by: str, settings: tuple[str, ...] = ()) -> Card:
    """settings: the variables that it reads."""
    spec = definition.spec()
    shown = json.dumps([spec.name, spec.description, spec.input_schema]) if definition.offered else ""
    return Card(
        name=definition.name,
        about=spec.description,
        effect=definition.effect.value,
        offered=definition.offered,
        allowed=allowed,
        brought_by=brought_by,
        timeout_seconds=definition.timeout_seconds,
        calls_per_run=definition.calls_per_run,
        calls_per_minute=definition.calls_per_minute,
        schema=spec.input_schema,
        shown_tokens=-(-len(shown) // CHARS_PER_TOKEN),
        settings=settings,
        approval=_approval(definition.approval),
        ends=definition.ends,
    )


def _approval(approval: Approval | None) -> str:
    if isinstance(approval, Over):
        return f"over {approval.field} {approval.limit:g}"
    return approval.value if approval else ""


def waits_for(card: Card, earned: str = "") -> str:
    """When its calls wait for a person, in words; "" where none does. earned: how far it is, of `until_earned`."""
    if not card.approval:
        return ""
    ends = "; approving one decides the ticket" if card.ends else ""
    progress = f": {earned or 'no call judged yet'}" if card.approval == Ask.UNTIL_EARNED else ""
    return f"{card.approval}{progress}{ends}"


async def used(store: Store, stats: Stats) -> dict[str, Use]:
    """What came of each tool's calls since the oldest look at the whole that is kept."""
    now = seen(stats)
    both = await compared(store, now)
    return uses(Change(both[1].before if both else Seen(0), now), known=both is not None)


def uses(change: Change, *, known: bool = True) -> dict[str, Use]:
    """known: whether it is known how long it was."""
    grown = change.grown("tool_")
    took = of_tools(grown)
    calls: dict[str, dict[str, int]] = {}
    for labels, count in series(grown, "tool_calls"):
        calls.setdefault(labels["tool"], {})[labels["outcome"]] = count
    tokens = {labels["tool"]: count for labels, count in series(grown, "tool_result_tokens")}
    return {
        name: Use(
            calls=sum(outcomes.values()),
            failures={each: outcomes[each] for each in FAILED if each in outcomes},
            p50=quantile(took.get(name, NO_USE), 0.5),
            p95=quantile(took.get(name, NO_USE), 0.95),
            tokens=tokens.get(name, 0),
            hours=change.hours if known else 0.0,
        )
        for name, outcomes in calls.items()
    }


def quantile(found: Histogram, share: float) -> float | None:
    """Seconds, between the bounds of the bucket that it falls into; None without a call."""
    total = found.buckets[-1][1] if found.buckets else 0
    if not total:
        return None
    wanted, below, low = share * total, 0, 0.0
    for bound, reached in found.buckets[:-1]:
        if reached >= wanted:
            return low + (float(bound) - low) * (wanted - below) / (reached - below)
        below, low = reached, float(bound)
    return float(TOOL_SECONDS[-1])
