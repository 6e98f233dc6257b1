"""The learning loop: a candidate learns from people's decisions, and works only where learning has proved to pay.

Every decision that the model at work has not learned from is answered twice: by that model, and by one that has learned
from the decisions before it alone (`forward.py`). Where just one of the two routes as people do, a gambler bets on the
second; 1 / ERROR times the stake is the proof. So all that people did counts, corrections in the place of what they
correct, and `deskhand train` may look as often as it likes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from tasks.ticket import MAX_BODY_CHARS, Ticket
from worker.config.errors import LocalModelError
from worker.models.held_out import ERROR, LEAST_HELD_OUT, Outcome, e_value, never_learned
from worker.models.local.forward import FIRST, routed_forward
from worker.models.local.model import LocalModel
from worker.models.local.versions import Version
from worker.models.training_rows import Row


@dataclass(frozen=True, slots=True)
class Material:
    """What can be learned. base: the training data. decided: people's decisions, oldest first, each text once.

    unknown: rows whose label the taxonomy has not.
    """

    base: list[Row]
    decided: list[Row]
    unknown: int

    @property
    def learn(self) -> list[Row]:
        """What a model learns from: all but the decisions that every version leaves for `deskhand regress`."""
        return self.base + [row for row in self.decided if not never_learned(row[0])]


@dataclass(frozen=True)
class Comparison:
    """Learning beside the model at work, on decisions that neither had learned from when it answered.

    right, right_before: those that each routed as people do. outcomes: of each, in the order they were decided.
    """

    right: int
    right_before: int
    outcomes: tuple[Outcome, ...]

    @property
    def held_out(self) -> int:
        """Decisions that both were tested on."""
        return len(self.outcomes)

    @property
    def wins(self) -> int:
        """Those that only learning routed as people do."""
        return self.outcomes.count(1)

    @property
    def losses(self) -> int:
        """Those that only the model at work did."""
        return self.outcomes.count(-1)

    @cached_property
    def e_value(self) -> float:
        """The evidence that learning is better; 1 says nothing."""
        return e_value(self.outcomes)

    @property
    def p_value(self) -> float:
        """The most likely that chance would show so much, at any of the looks."""
        return min(1.0, 1 / self.e_value)

    @property
    def better(self) -> bool:
        """The rule."""
        return self.p_value <= ERROR


def material(base: Sequence[Row], decided: Sequence[Row], team_of: Mapping[str, str]) -> Material:
    """Put together what there is. Of one text decided twice the later decision stands, in its own place."""
    latest: dict[str, str] = {}
    for text, label in decided:
        latest.pop(text, None)
        latest[text] = label
    known = [(text, label) for text, label in latest.items() if label in team_of and text.strip()]
    first = [(text, label) for text, label in base if label in team_of and text not in latest]
    return Material(first, known, len(latest) - len(known))


def fresh(given: Material, before: LocalModel | None) -> list[Row]:
    """The decisions that the model at work has not learned from, oldest first."""
    return [row for row in given.decided if before is None or not before.has_learned(row[0])]


def enough(given: Material, before: LocalModel | None) -> None:
    """Raise `LocalModelError` where there is too little to compare two models on."""
    count, least = len(fresh(given, before)), FIRST + LEAST_HELD_OUT
    if count < least:
        raise LocalModelError(
            f"{count} decisions that the model at work has not learned from are too few to compare two models on: "
            f"{least} are needed"
        )


def compare(given: Material, before: LocalModel | None, team_of: Mapping[str, str]) -> Comparison:
    """Learning and the model at work, by the team they choose. before None: nothing works, and nothing is right."""
    tested = fresh(given, before)
    known = {text for text, _ in tested}
    base = given.base + [row for row in given.decided if row[0] not in known and not never_learned(row[0])]
    routed = routed_forward(base, tested, [never_learned(text) for text, _ in tested], team_of)
    asked = tested[len(tested) - len(routed) :]
    right = [team == team_of[label] for team, (_, label) in zip(routed, asked, strict=True)]
    return compared(right, routed_rightly(before, asked, team_of))


def compared(right: Sequence[bool], right_before: Sequence[bool]) -> Comparison:
    """Of decisions in their order, whether each of the two routed them as people do."""
    outcomes = tuple(now - then for now, then in zip(right, right_before, strict=True))
    return Comparison(sum(right), sum(right_before), outcomes)


def version_of(verdict: Comparison, learned_from: int) -> Version:
    """What is kept of a comparison beside the weights."""
    return Version(
        name="",
        trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
        learned_from=learned_from,
        held_out=verdict.held_out,
        right=verdict.right,
        wins=verdict.wins,
        losses=verdict.losses,
        p_value=verdict.p_value,
    )


def examples_from(stored: Sequence[Mapping[str, object]]) -> list[Row]:
    """People's decisions in the ledger, oldest first, as rows."""
    return [(str(example["text"]), str(example["label"])) for example in stored if example.get("text")]


def routed_rightly(model: LocalModel | None, asked: Sequence[Row], team_of: Mapping[str, str]) -> list[bool]:
    """Whether it chooses the team of each label. None: nothing works, and nothing is right."""
    if model is None:
        return [False] * len(asked)
    said = model.guesses([Ticket(source="held-out", subject="", body=text[:MAX_BODY_CHARS]) for text, _ in asked])
    return [guess.team == team_of[label] for guess, (_, label) in zip(said, asked, strict=True)]
