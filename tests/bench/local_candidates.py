"""What else the local tier might be, side by side: `python -m tests.bench.local_candidates [--encoders FOLDER]`.

One split of Banking77's train rows: four of five are learned, the fifth is asked, bare and within mail of our own
making. Each half of it is decided at the threshold that the other half proves, bare, at the target. Test rows are not
read. `tests/bench/encoders.py` says what FOLDER holds; without it the encoders' lines are left out.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.bench.encoders import Encode, encoders
from tests.bench.local_tier import learned, train_parts
from worker import sample
from worker.evaluation.figures import Share
from worker.models.local.judging import UNFAMILIAR_CEILING, Clauses, Judged, judged, judged_texts
from worker.models.local.model import LocalModel
from worker.models.local.scope import likeness, scope_scores
from worker.models.thresholds import fitted

TARGETS = (0.98, 0.99)
NEIGHBOURS = 10
WINDOW, STRIDE, MOST_WINDOWS = 12, 6, 16

Chances = NDArray[np.float64]
"""Texts x labels."""


@dataclass(frozen=True, slots=True)
class Phrases:
    """What a mail holds around its question."""

    greetings: tuple[str, ...]
    fillers: tuple[str, ...]
    endings: tuple[str, ...]

    def framed(self, text: str, dice: random.Random) -> str:
        """A greeting, the question, a signature."""
        return f"{dice.choice(self.greetings)}\n\n{text}\n\n{dice.choice(self.endings)}"

    def long(self, text: str, dice: random.Random) -> str:
        """Sentences that ask nothing stand before and behind it, too."""
        said = dice.sample(self.fillers, 5)
        before, after = " ".join(said[:3]), " ".join(said[3:])
        return self.framed(f"{before} {text} {after}", dice)


ASKED = Phrases(
    ("Hello,", "Dear Sir or Madam,", "Hi there,", "Good evening,", "To whom it may concern,"),
    (
        "I have been with you for two years and have always been happy.",
        "It has been a long week at work.",
        "I read all the pages of the help centre.",
        "My neighbour told me that she never had any trouble.",
        "I will be travelling next Thursday and can be reached in the evenings only.",
        "Could you please look into this as soon as possible?",
        "I hope that this finds you well.",
        "The forum had nothing that fitted my case.",
        "Thank you for taking the time to read all of this.",
        "I also wrote about it last month and nobody answered.",
    ),
    (
        "Thanks,\nJohn",
        "Kind regards,\nMaria Smith",
        "Regards\nO. Lindqvist\nHead of Sales, Lindqvist & Sons",
        "Best, Amy",
    ),
)
LEARNED = Phrases(
    ("Hey,", "Dear team,", "Good morning!", "Hello everyone,"),
    (
        "I am a long-standing customer of yours.",
        "I looked for an answer on the website first.",
        "My daughter helped me to write this.",
        "We are about to move to another town.",
        "Please answer by mail, since I am at work all day.",
        "It would be great if somebody had a look at it.",
        "Sorry for the bother.",
        "I appreciate your help with this.",
    ),
    ("Cheers,\nTom", "Yours sincerely,\nE. Novak", "Many thanks\nPriya", "Sent from my phone"),
)
KINDS: dict[str, Callable[[Phrases, str, random.Random], str]] = {
    "bare": lambda _phrases, text, _dice: text,
    "framed": Phrases.framed,
    "long": Phrases.long,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one ticket. part: the words that spoke for it."""

    team: int
    confidence: float
    part: str


@dataclass
class Ground:
    """The split. asked: by kind of text, in one order. teams: of each asked row, by number."""

    model: LocalModel
    rows: list[sample.Row]
    held: list[sample.Row]

    def __post_init__(self) -> None:
        dice = random.Random(17)
        self.asked = {kind: [make(ASKED, row["body"], dice) for row in self.held] for kind, make in KINDS.items()}
        self.teams = np.array([self.model._teams.index(row["team"]) for row in self.held])
        self.labels = np.array([self.model._parameters.labels.index(row["label"]) for row in self.held])
        self.half = np.arange(len(self.held)) % 2


def sentences(text: str) -> list[str]:
    return Clauses.of(text).telling


def surest(model: LocalModel, text: str, parts_of: Callable[[str], list[str]] = sentences) -> Answer:
    """By its surest part where the whole is unlike what was learned, else as a whole. `judged_texts` goes further."""
    known, teams = model._parameters, model._team_of
    (whole,) = judged(known, known.vocabulary.encode([text]), teams)
    if whole.familiar:
        return Answer(whole.team, whole.confidence, text)
    parts = parts_of(text)
    encoded = known.vocabulary.encode(parts)
    sure = [np.bincount(teams, weights=each).max() for each in known.probabilities(encoded)]
    order = sorted(range(len(parts)), key=lambda at: -sure[at])[:3]
    asking = list(zip(judged(known, encoded.taken(order), teams), map(parts.__getitem__, order), strict=True))
    found = [(each, part) for each, part in asking if each.familiar]
    if not found:
        return Answer(whole.team, 0.0, text)
    best, part = max(found, key=lambda each: each[0].confidence)
    against = max((each.confidence for each, _ in found if each.team != best.team), default=0.0)
    return Answer(best.team, best.confidence * (1 - against), part)


def in_use(model: LocalModel, text: str) -> Answer:
    return _answer(judged_texts(model._parameters, [Clauses.of(text)], model._team_of)[0], text)


def whole_only(model: LocalModel, text: str) -> Answer:
    return _answer(judged(model._parameters, model._parameters.vocabulary.encode([text]), model._team_of)[0], text)


def _answer(found: Judged, text: str) -> Answer:
    return Answer(found.team, found.confidence if found.familiar else 0.0, text)


def windows(text: str) -> list[str]:
    said = text.split()
    starts = range(0, max(1, len(said) - STRIDE), STRIDE)
    return [" ".join(said[start : start + WINDOW]) for start in starts][:MOST_WINDOWS]


def capped(model: LocalModel, part: str, chances: Chances) -> Answer:
    """Chances of each label of one part, held to the check of scope as it is."""
    known, teams = model._parameters, model._team_of
    of_teams = np.bincount(teams, weights=chances)
    team = int(of_teams.argmax())
    own, sure = teams == team, min(1.0, float(of_teams[team]))
    label = int(np.where(own, chances, -1.0).argmax())
    (score,) = scope_scores(known, known.vocabulary.encode([part]), [label], [sure], teams)
    ceiling = likeness(known, score) if score >= known.scope_from else 0.0
    return Answer(team, min(sure, ceiling) if ceiling > UNFAMILIAR_CEILING else 0.0, part)


def of_ngrams(model: LocalModel, parts: Sequence[str]) -> Chances:
    known = model._parameters
    return known.probabilities(known.vocabulary.encode(parts)).astype(np.float64)


def of_neighbours(model: LocalModel, rows: Sequence[sample.Row], parts: Sequence[str]) -> Chances:
    """Each label's share of the nearest learned texts, by how near they are; a little is left for every label."""
    known = model._parameters
    labels = len(known.labels)
    texts = known.vocabulary.encode([row["body"] for row in rows]).weights.scipy
    of_row = np.array([known.labels.index(row["label"]) for row in rows])
    near = (known.vocabulary.encode(parts).weights.scipy @ texts.T).toarray()
    nearest = np.argpartition(-near, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    found = np.full((len(parts), labels), 0.01 / labels)
    for at, row in enumerate(nearest):
        weights = near[at, row] ** 2
        found[at] += 0.99 * np.bincount(of_row[row], weights=weights, minlength=labels) / max(weights.sum(), 1e-9)
    return found


def regression_on(encode: Encode, model: LocalModel, rows: Sequence[sample.Row]) -> Callable[[Sequence[str]], Chances]:
    from sklearn.linear_model import LogisticRegression

    wanted = [model._parameters.labels.index(row["label"]) for row in rows]
    fit = LogisticRegression(C=30.0, max_iter=200, tol=1e-3).fit(encode([row["body"] for row in rows]), wanted)
    return lambda parts: np.asarray(fit.predict_proba(encode(parts)))


class Once:
    """Chances of parts, made once. seconds: the CPU that it took."""

    def __init__(self, of_parts: Callable[[Sequence[str]], Chances]) -> None:
        self._of_parts = of_parts
        self._known: dict[tuple[str, ...], Chances] = {}
        self.seconds = 0.0

    def __call__(self, parts: Sequence[str]) -> Chances:
        key = tuple(parts)
        if key not in self._known:
            began = time.process_time()
            self._known[key] = self._of_parts(parts)
            self.seconds += time.process_time() - began
        return self._known[key]

    def times(self, model: LocalModel) -> Callable[[Sequence[str]], Chances]:
        """Times what the n-grams say."""
        return lambda parts: of_ngrams(model, parts) * self(parts)


def sharpened(chances: Chances, factor: float) -> Chances:
    grown = np.maximum(chances, 1e-12) ** factor
    result: Chances = grown / grown.sum(axis=1, keepdims=True)
    return result


def sharpness(chances: Chances, own_team: NDArray[np.bool_]) -> float:
    """As training finds it: least log loss of the team."""

    def loss(factor: float) -> float:
        return -float(np.mean(np.log((sharpened(chances, factor) * own_team).sum(axis=1))))

    return float(min(np.geomspace(0.25, 4.0, 41), key=loss))


Found = dict[str, list[Answer]]
"""By kind of text."""


def combined(ground: Ground, chosen: Found, of_parts: Callable[[Sequence[str]], Chances]) -> Found:
    """Other chances for the parts that the n-grams chose, sharpened on the bare ones."""
    raw = {kind: of_parts([each.part for each in found]) for kind, found in chosen.items()}
    own = ground.model._team_of[None, :] == ground.teams[:, None]
    factor = sharpness(raw["bare"], own)
    return {
        kind: [
            Answer(each.team, each.confidence * bool(before.confidence), each.part)
            for each, before in zip(
                (
                    capped(ground.model, a.part, c)
                    for a, c in zip(chosen[kind], sharpened(raw[kind], factor), strict=True)
                ),
                chosen[kind],
                strict=True,
            )
        ]
        for kind in raw
    }


def line(name: str, ground: Ground, found: Found, learned_seconds: float, seconds: dict[str, float]) -> str:
    """One row of the table."""
    right = {kind: np.array([a.team for a in answers]) == ground.teams for kind, answers in found.items()}
    sure = {kind: np.array([a.confidence for a in answers]) for kind, answers in found.items()}
    cells = [name, f"{right['bare'].mean():.2%}"]
    for target in TARGETS:
        least = [_least(sure["bare"], right["bare"], ground.half == half, target) for half in (0, 1)]
        for kind in found:
            decided = np.array([sure[kind][at] >= least[1 - ground.half[at]] for at in range(len(ground.half))])
            share = Share(int((decided & right[kind]).sum()), int(decided.sum()))
            cells.append(f"{decided.mean():.1%} ({share.value:.2%})" if share.total else "0 %")
    cells += [f"{learned_seconds:.0f}", f"{seconds['bare'] * 1000:.1f} / {seconds['long'] * 1000:.1f}"]
    return f"| {' | '.join(cells)} |"


def _least(sure: Chances, right: NDArray[np.bool_], part: NDArray[np.bool_], target: float) -> float:
    stood = part & (sure > 0)
    found = fitted(list(zip(sure[stood].tolist(), right[stood].tolist(), strict=True)), target).confidence
    return 2.0 if found is None else found


def timed(ground: Ground, answer: Callable[[str], Answer]) -> tuple[Found, dict[str, float]]:
    """Every kind of text answered, and the CPU seconds of one."""
    found, seconds = {}, {}
    for kind, texts in ground.asked.items():
        began = time.process_time()
        found[kind] = [answer(text) for text in texts]
        seconds[kind] = (time.process_time() - began) / len(texts)
    return found, seconds


def stacked(ground: Ground, chosen: Found, several: Sequence[Found]) -> Found:
    """A logistic regression of whether the n-grams are right, on what each of several says of its team; each
    half is answered by what the other, bare, teaches.
    """
    from sklearn.linear_model import LogisticRegression

    def of(kind: str) -> Chances:
        columns = [
            [a.confidence if a.team == c.team else 0.0 for a, c in zip(found[kind], chosen[kind], strict=True)]
            for found in (chosen, *several)
        ]
        bounded = np.clip(np.array(columns).T, 1e-3, 1 - 1e-3)
        result: Chances = np.log(bounded / (1 - bounded))
        return result

    right = np.array([a.team for a in chosen["bare"]]) == ground.teams
    fits = [
        LogisticRegression(C=1.0).fit(of("bare")[ground.half == half], right[ground.half == half]) for half in (0, 1)
    ]
    return {
        kind: [
            Answer(a.team, float(sure) if a.confidence else 0.0, a.part)
            for a, sure in zip(
                chosen[kind],
                np.where(ground.half == 0, *(fits[1 - half].predict_proba(of(kind))[:, 1] for half in (0, 1))),
                strict=True,
            )
        ]
        for kind in chosen
    }


def lines(ground: Ground, began: float, folder: Path | None) -> Iterator[str]:
    """Row by row, as they are found."""
    model, base = ground.model, time.process_time() - began
    found, seconds = timed(ground, lambda text: whole_only(model, text))
    yield line("the whole text alone", ground, found, base, seconds)
    chosen, spent = timed(ground, lambda text: surest(model, text))
    yield line("sentences where the whole is unlike", ground, chosen, base, spent)
    found, seconds = timed(ground, lambda text: in_use(model, text))
    yield line("**the same, and to make the whole surer (in use)**", ground, found, base, seconds)
    found, seconds = timed(ground, lambda text: surest(model, text, windows))
    yield line("windows of 12 words, the surest", ground, found, base, seconds)
    yield from _augmented(ground)
    others: list[Found] = []

    def other(name: str, of_parts: Callable[[Sequence[str]], Chances], learned_seconds: float, each: float) -> str:
        """each: CPU seconds of what `of_parts` has made before."""
        started = time.process_time()
        others.append(combined(ground, chosen, of_parts))
        each += (time.process_time() - started) / (len(KINDS) * len(ground.held))
        return line(name, ground, others[-1], base + learned_seconds, {kind: spent[kind] + each for kind in spent})

    yield other("the 10 nearest decided tickets", lambda parts: of_neighbours(model, ground.rows, parts), 0, 0)
    for name, encode in (encoders(folder) if folder else {}).items():
        started = time.process_time()
        of_parts = Once(regression_on(encode, model, ground.rows))
        took = time.process_time() - started
        yield other(f"{name} alone", of_parts, took, 0)
        each = of_parts.seconds / (len(KINDS) * len(ground.held))
        yield other(f"n-grams times {name}", of_parts.times(model), took, each)
    yield line("stacked: all of these", ground, stacked(ground, chosen, others), base, spent)


def _augmented(ground: Ground) -> Iterator[str]:
    """Learned with a framed or long copy of every row."""
    dice, began = random.Random(5), time.process_time()
    copies = [
        {**row, "body": (LEARNED.long if at % 2 else LEARNED.framed)(row["body"], dice)}
        for at, row in enumerate(ground.rows)
    ]
    model = learned([*ground.rows, *copies])
    took = time.process_time() - began
    for name, answer in (("whole text", whole_only), ("sentences", surest)):
        found, seconds = timed(ground, lambda text, answer=answer: answer(model, text))  # type: ignore[misc]
        yield line(f"learned with framed copies, {name}", ground, found, took, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoders", type=Path)
    parser.add_argument("--limit", type=int, help="Only so many of the train rows.")
    arguments = parser.parse_args()
    rows, held = train_parts(sample.rows("train")[: arguments.limit])
    began = time.process_time()
    ground = Ground(learned(rows), rows, held)
    heads = ["candidate", "right team", *(f"{kind} {target:.0%}" for target in TARGETS for kind in KINDS)]
    sys.stdout.write(f"| {' | '.join([*heads, 'CPU s to learn', 'CPU ms, bare / long'])} |\n")
    for each in lines(ground, began, arguments.encoders):
        sys.stdout.write(f"{each}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
