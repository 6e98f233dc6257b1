"""How people work: each person's own day, and agreement, corrections and time by person, kind and tier."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.responses import Response

from fallbacks.access.roles import Role
from fallbacks.console.visit import Visit, signed_in
from fallbacks.inbox.people import HASTY_FROM, HASTY_SECONDS, LATEST, Probed, Work, corrected_by, probed, work_by
from fallbacks.ledger.acts import Act
from fallbacks.ledger.past.examples import Example
from fallbacks.store import keys

MOST_ROWS = 30


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table. corrected: decisions that were corrected later. probed: of a person only."""

    work: Work
    corrected: int
    probed: Probed | None = None


@signed_in()
async def people(visit: Visit) -> Response:
    """Operators see everybody, others themselves."""
    latest = await visit.desk.examples.latest(LATEST)
    counters = await visit.deps.store.fields(keys.COUNTERS)
    own = (await visit.desk.days.now()).of(visit.person, await visit.deps.store.now_ms())
    everybody = visit.may(Role.OPERATOR)
    latest = [example for example in latest if not _beyond(visit, example)]
    shown = latest if everybody else [example for example in latest if example.by == visit.person]
    values = {
        "today": next(iter(work_by(lambda example: example.by, own.today)), None),
        "changed": sum(example.action == Act.CORRECT for example in own.today),
        "people": [
            Row(row.work, row.corrected, probed(row.work.name, counters))
            for row in _rows(latest, lambda example: example.by)
            if everybody or row.work.name == visit.person
        ],
        "kinds": _rows(shown, lambda example: example.key),
        "tiers": _rows(shown, lambda example: str((example.agent or {}).get("tier", ""))),
        "latest": len(latest),
        "hasty": (HASTY_FROM, HASTY_SECONDS),
    }
    return await visit.page("people.html", values)


def _beyond(visit: Visit, example: Example) -> bool:
    """Whether it was decided for a group that they do not work for, by somebody else."""
    unseen = visit.reach.unseen if example.by != visit.person else ()
    return any(f"{name}:{value}" in unseen for name, value in example.facets.items())


def _rows(examples: Sequence[Example], group: Callable[[Example], str]) -> list[Row]:
    corrected = corrected_by(group, examples)
    return [Row(work, corrected[work.name]) for work in work_by(group, examples)[:MOST_ROWS]]
