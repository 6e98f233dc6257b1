"""Each kind of decision with what people decided, and how often the agent had suggested the same."""

import json
from dataclasses import dataclass

from starlette.responses import Response

from fallbacks.autonomy.standing import Row
from fallbacks.console.visit import Visit, signed_in
from fallbacks.store import keys
from tasks.run.process import Kind


@dataclass(frozen=True, slots=True)
class KindRow:
    """One kind. waiting: items with such a suggestion. earned: where its autonomy stands, for each model version with
    evidence.
    """

    kind: Kind
    decided: int
    suggested: int
    agreed: int
    waiting: int
    earned: tuple[Row, ...] = ()

    @property
    def agreement(self) -> float | None:
        """Share of suggestions that stood, 0..1 over those that people judged; None before the first."""
        return self.agreed / self.suggested if self.suggested else None


@signed_in()
async def kinds(visit: Visit) -> Response:
    """By group, in the process's order."""
    groups: dict[str, list[KindRow]] = {}
    for row in await kind_rows(visit):
        groups.setdefault(row.kind.group, []).append(row)
    kept = await visit.deps.store.fields(keys.PROMISES)
    stands_by = [(tier, json.loads(promise)["rests_on"]) for tier, promise in sorted(kept.items())]
    found = await visit.desk.findings.now()
    return await visit.page("kinds.html", {"groups": groups, "stands_by": stands_by, "found": found})


async def kind_rows(visit: Visit) -> list[KindRow]:
    """Every kind of the process."""
    process = visit.deps.process
    counts = await visit.desk.tally.now()
    waiting = await visit.deps.store.sizes(
        [keys.inbox_facet(f"{process.keyed_by}:{kind.key}") for kind in process.kinds]
    )
    earned = await visit.deps.standings.rows() if visit.deps.standings else []
    return [
        KindRow(
            kind,
            counts.decided[kind.key],
            counts.suggested[kind.key],
            counts.agreed[kind.key],
            size,
            tuple(row for row in earned if row.kind == kind.key),
        )
        for kind, size in zip(process.kinds, waiting, strict=True)
    ]
