"""The learning loop: a candidate learns from people's decisions, and works only where it proves better.

Every fifth decision, by its text, is kept from every candidate for ever, so that two versions can be compared on what
neither has seen. The rule is a paired one: of the held-out tickets on which the two differ, the candidate must be
right on so many that chance would do as well in at most one case of twenty (exact sign test, as McNemar's).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tasks.ticket import MAX_BODY_CHARS, Ticket
from worker.config.errors import LocalModelError
from worker.models.held_out import ERROR, HELD_OUT_EVERY, LEAST_HELD_OUT, never_learned, sign_test
from worker.models.local.model import LocalModel
from worker.models.local.versions import Version
from worker.models.training_rows import Row


@dataclass(frozen=True, slots=True)
class Material:
    """What can be learned. learn, held_out: never the same text. unknown: rows whose label the taxonomy has not."""

    learn: list[Row]
    held_out: list[Row]
    unknown: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """A candidate beside the model at work, on the held-out rows. wins, losses: rows only one of them has right."""

    held_out: int
    right: int
    right_before: int
    wins: int
    losses: int

    @property
    def p_value(self) -> float:
        """How likely so many wins are if the two were equally good."""
        return sign_test(self.wins, self.losses)

    @property
    def better(self) -> bool:
        """The rule."""
        return self.p_value <= ERROR


def material(base: Sequence[Row], decided: Sequence[Row], team_of: Mapping[str, str]) -> Material:
    """Divide what there is. base: the training data, which the model at work has seen: it is only learned from."""
    latest = dict(decided)  # of one text decided twice, the later decision stands
    known = {text: label for text, label in latest.items() if label in team_of and text.strip()}
    seen = {text for text, _ in base}
    held = {text for text in known if text not in seen and never_learned(text)}
    learned = [(text, label) for text, label in base if label in team_of and text not in known]
    learned += [(text, label) for text, label in known.items() if text not in held]
    return Material(learned, [(text, known[text]) for text in sorted(held)], len(latest) - len(known))


def enough(given: Material) -> None:
    """Raise `LocalModelError` where there is too little to compare two models on."""
    if len(given.held_out) < LEAST_HELD_OUT:
        raise LocalModelError(
            f"{len(given.held_out)} held-out decisions are too few to compare two models on: {LEAST_HELD_OUT} are "
            f"needed, which is about {LEAST_HELD_OUT * HELD_OUT_EVERY} decisions that are not in the training data"
        )


def compare(
    candidate: LocalModel, before: LocalModel | None, held_out: Sequence[Row], team_of: Mapping[str, str]
) -> Comparison:
    """Both on the same rows, by the team they choose. before None: nothing is at work, and nothing is right."""
    right = [_routes(candidate, text) == team_of[label] for text, label in held_out]
    right_before = [before is not None and _routes(before, text) == team_of[label] for text, label in held_out]
    pairs = list(zip(right, right_before, strict=True))
    return Comparison(
        held_out=len(held_out),
        right=sum(right),
        right_before=sum(right_before),
        wins=sum(now and not then for now, then in pairs),
        losses=sum(then and not now for now, then in pairs),
    )


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


def _routes(model: LocalModel, text: str) -> str:
    return model.guess(Ticket(source="held-out", subject="", body=text[:MAX_BODY_CHARS])).team
