"""The gate before a change: the tickets that people decided, worked before it and after it. Pure.

The rule is the paired one of `deskhand train`, turned round. A change is worse where chance alone would take away so
many right routes, or add so many wrong ones that the agent stands by, in at most one case of twenty (exact sign test
over the tickets on which the two differ). Five tickets lost and none won is the least that fails.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.ticket import MAX_BODY_CHARS, Ticket
from tasks.triage.taxonomy import Taxonomy
from worker.evaluation.figures import Graded
from worker.evaluation.labelled import Labelled
from worker.models.held_out import ERROR, LEAST_HELD_OUT, never_learned, sign_test


@dataclass(frozen=True, slots=True)
class Paired:
    """How many tickets something holds for before and after; gained, lost: tickets on which the two differ."""

    before: int
    after: int
    gained: int
    lost: int


@dataclass(frozen=True, slots=True)
class Difference:
    """One ticket that comes out otherwise. label: people's. stands: whether the agent stands by it after the change."""

    ticket_id: str
    label: str
    before: str
    after: str
    right_before: bool
    right_after: bool
    stands: bool

    @property
    def verdict(self) -> str:
        """In one word; "" where both route it rightly or both wrongly."""
        return {1: "better", -1: "worse"}.get(self.right_after - self.right_before, "")


@dataclass(frozen=True, slots=True)
class Regression:
    """A change beside what is. left_out: tickets whose label one of the two taxonomies does not have.

    right: routed where people route it. harm: stood by and wrong. costs: nanodollars a ticket, None where not known.
    """

    tickets: int
    left_out: int
    right: Paired
    harm: Paired
    cost_before: float | None
    cost_after: float
    differences: tuple[Difference, ...]

    @property
    def p_fewer_right(self) -> float:
        """How likely so many lost tickets are if the two were equally good."""
        return sign_test(self.right.lost, self.right.gained)

    @property
    def p_more_harm(self) -> float:
        """How likely so many new wrong decisions are if the two were equally good."""
        return sign_test(self.harm.gained, self.harm.lost)

    @property
    def worse(self) -> bool:
        """The rule."""
        return min(self.p_fewer_right, self.p_more_harm) <= ERROR


def regression(before: Sequence[Graded], after: Sequence[Graded], *, cost_known: bool = True) -> Regression:
    """Compare answers to the same tickets, in the same order. Raises `ValueError` where there are too few."""
    pairs = list(zip(before, after, strict=True))
    known = [(then, now) for then, now in pairs if then.team and now.team]
    if len(known) < LEAST_HELD_OUT:
        raise ValueError(f"{len(known)} tickets are too few to gate a change on: {LEAST_HELD_OUT} are needed")
    differ = [
        Difference(
            now.ticket_id, now.label, then.suggested_label, now.suggested_label, then.right, now.right, stands=now.stood
        )
        for then, now in known
        if (then.suggested_label, then.suggested_team) != (now.suggested_label, now.suggested_team)
    ]
    return Regression(
        tickets=len(known),
        left_out=len(pairs) - len(known),
        right=_paired([(then.right, now.right) for then, now in known]),
        harm=_paired([(_harmful(then), _harmful(now)) for then, now in known]),
        cost_before=_mean(then for then, _ in known) if cost_known else None,
        cost_after=_mean(now for _, now in known),
        differences=tuple(sorted(differ, key=lambda each: each.right_after - each.right_before)),
    )


def decided_rows(examples: Sequence[Mapping[str, Any]]) -> list[Labelled]:
    """People's decisions in the ledger as labelled tickets; of one ticket decided twice the later one."""
    latest = {str(example["id"]): dict(example) for example in examples if str(example.get("text") or "").strip()}
    return [
        Labelled(
            Ticket(id=name, source="decided", subject="", body=str(row["text"])[:MAX_BODY_CHARS]),
            str(row["label"]),
            "",
            row,
        )
        for name, row in latest.items()
    ]


def unlearned(rows: Sequence[Labelled]) -> list[Labelled]:
    """Those that `deskhand train` keeps from every candidate: the rest says nothing of a model that learned them."""
    return [row for row in rows if never_learned(row.ticket.text)]


def recorded_answers(rows: Sequence[Labelled], taxonomy: Taxonomy) -> list[Graded]:
    """What the agent suggested when each of these was decided. Raises `ValueError` for rows that do not say."""
    return [_recorded(row, taxonomy) for row in rows]


def _recorded(row: Labelled, taxonomy: Taxonomy) -> Graded:
    if "proposed" not in row.row:
        raise ValueError(
            f"{row.ticket.id}: what was suggested for it is not known: name --model, --taxonomy or --prompt to compare "
            "with what works now, or give a file of `deskhand export --examples`"
        )
    agent = row.row.get("agent") or {}
    suggested = str(agent.get("label") or row.row.get("proposed") or "")
    known, label = taxonomy.by_name.get(row.label), taxonomy.by_name.get(suggested)
    return Graded(
        ticket_id=row.ticket.id or "",
        label=row.label,
        team=known.team if known else "",
        suggested_label=suggested,
        suggested_team=label.team if label else "",
        confidence=0.0,
        stood=bool(agent),
        reason=str(row.row.get("reason") or ""),
        tier=str(row.row.get("tier") or ""),
        cost_nanodollars=0,
        seconds=0.0,
    )


def _harmful(answer: Graded) -> bool:
    return answer.stood and not answer.right


def _paired(pairs: Sequence[tuple[bool, bool]]) -> Paired:
    return Paired(
        before=sum(then for then, _ in pairs),
        after=sum(now for _, now in pairs),
        gained=sum(now and not then for then, now in pairs),
        lost=sum(then and not now for then, now in pairs),
    )


def _mean(answers: Iterable[Graded]) -> float:
    costs = [answer.cost_nanodollars for answer in answers]
    return sum(costs) / max(1, len(costs))
