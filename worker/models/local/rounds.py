"""Learning by itself, a round at a time: a candidate answers in the shadow first, works by proof, and goes by proof.

1. Where the version at work has come to be worse than the one it replaced, on decisions that neither has learned from
   (an e-detector: what it did well before does not protect it), that one works again.
2. A candidate in the shadow answers what is decided after it has learned, beside the model at work; nobody sees it.
   After `LEAST_HELD_OUT` such decisions it works, unless it was more often wrong than chance would have it.
3. Where there is no candidate, and learning has proved to pay over all decisions (`learning.py`), one learns.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tasks.triage.taxonomy import Taxonomy
from worker.config.errors import LocalModelError
from worker.models.held_out import LEAST_HELD_OUT, become_better, never_learned, sign_test
from worker.models.local.learning import (
    Comparison,
    Material,
    compare,
    compared,
    enough,
    material,
    routed_rightly,
    version_of,
)
from worker.models.local.model import LocalModel
from worker.models.local.training import train
from worker.models.local.versions import Versions
from worker.models.training_rows import Row

MOST_DECISIONS = 20_000
"""The latest, that a round looks at: they bound its time and its memory."""

DOUBT = 0.2
"""The probability of so many losses by chance below which a candidate leaves the shadow for good."""


class Happened(StrEnum):
    """nothing: too little is decided, or learning does not pay. shadowed: a candidate has learned. dropped: it was
    worse. promoted: it works. rolled_back: the version at work was worse, and the one before works again.
    """

    NOTHING = "nothing"
    SHADOWED = "shadowed"
    DROPPED = "dropped"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True)
class Round:
    """What a round came to. words: with the evidence, for people."""

    happened: Happened
    words: str


@dataclass(frozen=True, slots=True)
class School:
    """What a round needs. first: the model of the training data, None where there is none. base: its rows."""

    versions: Versions
    taxonomy: Taxonomy
    first: Callable[[], LocalModel | None]
    base: list[Row]

    def round(self, decided: list[Row]) -> Round:
        """One round. decided: people's decisions, oldest first. Raises `LocalModelError`."""
        given = material(self.base, decided[-MOST_DECISIONS:], self._team_of)
        return self._rolled_back(given) or self._judged(given) or self._learned(given)

    @property
    def _team_of(self) -> dict[str, str]:
        return self.taxonomy.team_of

    def _model(self, name: str) -> LocalModel | None:
        if not name:
            return self.first()
        version = next(version for version in self.versions.all() if version.name == name)
        return LocalModel.of(self.taxonomy, self.versions.load(version), name)

    def _at_work(self) -> LocalModel | None:
        current = self.versions.current()
        return self._model(current.name if current else "")

    def _rolled_back(self, given: Material) -> Round | None:
        current = self.versions.current()
        now, before = (self._model(current.name), self._model(current.replaces)) if current else (None, None)
        if current is None or now is None or before is None:
            return None
        verdict = self._beside(before, now, since(given, now))
        if not become_better(verdict.outcomes):
            return None
        back = self.versions.rollback()
        name = back.name if back else "the model of the training data"
        said = f"{name} works again, since it has come to be better than {current.name}: {_said(verdict)}, most of late"
        return Round(Happened.ROLLED_BACK, said)

    def _judged(self, given: Material) -> Round | None:
        shadow, current = self.versions.shadow(), self.versions.current()
        if shadow is None:
            return None
        if shadow.replaces != (current.name if current else ""):
            self.versions.drop_shadow()
            return Round(Happened.DROPPED, f"{shadow.name} leaves the shadow: what it was to replace works no more")
        candidate = LocalModel.of(self.taxonomy, self.versions.load(shadow), shadow.name)
        asked = since(given, candidate)
        if len(asked) < LEAST_HELD_OUT:
            said = f"{len(asked)} of {LEAST_HELD_OUT} decisions were made since {shadow.name} learned, in the shadow"
            return Round(Happened.NOTHING, said)
        verdict = self._beside(candidate, self._at_work(), asked)
        if sign_test(verdict.losses, verdict.wins) <= DOUBT:
            self.versions.drop_shadow()
            return Round(Happened.DROPPED, f"{shadow.name} leaves the shadow: {_said(verdict)}")
        self.versions.promote_shadow()
        return Round(
            Happened.PROMOTED,
            f"{shadow.name} works from now on: learning was better on {shadow.wins} and worse on {shadow.losses} of "
            f"{shadow.held_out} decisions (p {shadow.p_value:.2g}); in the shadow {_said(verdict)}",
        )

    def _learned(self, given: Material) -> Round:
        before = self._at_work()
        try:
            enough(given, before)
        except LocalModelError as error:
            return Round(Happened.NOTHING, str(error))
        verdict = compare(given, before, self._team_of)
        if not verdict.better:
            said = f"learning has not proved to pay: {_said(verdict)}, e-value {verdict.e_value:.2g} of 20"
            return Round(Happened.NOTHING, said)
        candidate = train(given.learn, self._team_of)
        kept = self.versions.keep_shadow(candidate, version_of(verdict, len(given.learn)))
        return Round(Happened.SHADOWED, f"{kept.name} has learned and answers in the shadow: {_said(verdict)}")

    def _beside(self, one: LocalModel, other: LocalModel | None, asked: list[Row]) -> Comparison:
        return compared(routed_rightly(one, asked, self._team_of), routed_rightly(other, asked, self._team_of))


def since(given: Material, model: LocalModel) -> list[Row]:
    """What was decided after a model has learned, oldest first. A decision that no model learns from tells by its
    place alone when it was made.
    """
    unlearned = [not model.has_learned(text) for text, _ in given.decided]
    new = (at for at, row in enumerate(given.decided) if unlearned[at] and not never_learned(row[0]))
    first = next(new, len(given.decided))
    return [row for at, row in enumerate(given.decided) if at >= first and unlearned[at]]


def _said(verdict: Comparison) -> str:
    return f"better on {verdict.wins} and worse on {verdict.losses} of {verdict.held_out} decisions"
