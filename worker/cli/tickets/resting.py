"""Waiting until the agent has nothing more to do with some tickets, by looking at the ledger."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from fallbacks.ledger.states import SETTLED, State
from worker.cli.output import Advance, Report

if TYPE_CHECKING:
    from fallbacks.ledger.views import Views

CHUNK = 1000
PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 2.0


@dataclass(slots=True)
class Rest:
    """Where tickets are. at_rest: (state, reason or "") by id. moving: the state of those that are not."""

    at_rest: dict[str, tuple[str, str]] = field(default_factory=dict)
    moving: dict[str, str] = field(default_factory=dict)

    def counts(self) -> list[tuple[str, str, int]]:
        """(state, reason, how many), most first."""
        found = Counter(self.at_rest.values())
        found.update((state, "") for state in self.moving.values())
        return [(str(state), reason, count) for (state, reason), count in found.most_common()]


async def until_at_rest(views: "Views", ids: Sequence[str], within: float | None, advance: Advance) -> Rest:
    """Look until every ticket is decided, cancelled, or waits for a person; or until `within` seconds are over."""
    began, rest = monotonic(), Rest(moving=dict.fromkeys(ids, State.QUEUED))
    while True:
        looked = monotonic()
        for start in range(0, len(left := list(rest.moving)), CHUNK):
            await _look(views, left[start : start + CHUNK], rest)
        advance(len(rest.at_rest), _now(rest))
        if not rest.moving or (within is not None and monotonic() - began >= within):
            return rest
        took = monotonic() - looked
        await asyncio.sleep(min(LONGEST_PAUSE_SECONDS, PAUSE_SECONDS + 2 * took))


def rest_table(rest: Rest) -> Report:
    """Tickets by state and reason."""
    from fallbacks.inbox.narrate import means

    table = Report(("state", "reason", "tickets", "in words"), numeric=frozenset({"tickets"}))
    for state, reason, count in rest.counts():
        table.add(state, reason, count, means(reason) if reason else "")
    return table


async def _look(views: "Views", ids: Sequence[str], rest: Rest) -> None:
    elsewhere = list[str]()
    for ticket_id, (state, reason) in zip(ids, await views.store.rows(ids, ["state", "reason"]), strict=True):
        if state in SETTLED:
            rest.at_rest[ticket_id] = (State(state), reason or "")
            del rest.moving[ticket_id]
        elif state is not None:
            rest.moving[ticket_id] = State(state)
        else:
            elsewhere.append(ticket_id)
    for ticket_id, known in (await views.known(elsewhere)).items():
        rest.at_rest[ticket_id] = (State(known.state), "")
        del rest.moving[ticket_id]


def _now(rest: Rest) -> str:
    return ", ".join(f"{count} {state}" for state, count in Counter(rest.moving.values()).most_common())
