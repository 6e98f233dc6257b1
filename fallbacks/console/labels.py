"""Each label with what people decided and how often the agent had said the same."""

from dataclasses import dataclass

from starlette.responses import Response

from fallbacks.autonomy.standing import Row
from fallbacks.console.visit import Visit, signed_in
from fallbacks.store import keys


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One label. agreement: 0..1 over proposals of this label that people judged; None before the first.

    earned: where its autonomy stands, for each model version with evidence.
    """

    name: str
    description: str
    decided: int
    proposed: int
    agreed: int
    waiting: int
    earned: tuple[Row, ...] = ()

    @property
    def agreement(self) -> float | None:
        """Share of proposals that stood."""
        return self.agreed / self.proposed if self.proposed else None


@signed_in()
async def labels(visit: Visit) -> Response:
    """By team, in the taxonomy's order."""
    rows = await label_rows(visit)
    teams = {
        team: [row for row in rows if visit.deps.taxonomy.by_name[row.name].team == team.name]
        for team in visit.deps.taxonomy.teams
    }
    return await visit.page("labels.html", {"teams": teams, "rows": rows})


async def label_rows(visit: Visit) -> list[LabelRow]:
    """Every label of the taxonomy."""
    known = visit.deps.taxonomy.labels
    counts = await visit.desk.tally.counts()
    waiting = await visit.deps.store.sizes([keys.inbox_facet(f"label:{label.name}") for label in known])
    earned = await visit.deps.standings.rows() if visit.deps.standings else []
    return [
        LabelRow(
            label.name,
            label.description,
            counts.decided[label.name],
            counts.proposed[label.name],
            counts.agreed[label.name],
            size,
            tuple(row for row in earned if row.label == label.name),
        )
        for label, size in zip(known, waiting, strict=True)
    ]
