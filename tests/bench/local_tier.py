"""What the local tier may decide, on Banking77's test split: `python -m tests.bench.local_tier`.

First: coverage at a precision target, thresholds chosen on held-out tickets of the train split only. With --leave-out:
one whole team is kept from the model at a time (nine trainings), and its test tickets are mixed in as one in five.
With --framed: the same tickets with words around them that Banking77 has not, as mail has.
With --speed: how fast it is, alone and many at once, on tickets of 60 and 600 characters; nothing else is measured.
Foreign text: the harmless half of the injection set (--foreign FILE). Training text is never measured.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from tasks.ticket import Ticket
from tests.bench.tickets import tickets
from worker import sample
from worker.config.yaml_taxonomy import load_taxonomy
from worker.evaluation.figures import Graded, Share, measured, threshold_for
from worker.models.local.model import AT_ONCE, MIN_CONFIDENCE, LocalModel
from worker.models.local.processes import guesses_of
from worker.models.local.scope import scope_scores

TAXONOMY = load_taxonomy(sample.path("taxonomy.yaml"))
TARGETS = (0.95, 0.98, 0.99)
MIXED_IN = 0.2
FRAMES = {
    "as it is": "{}",
    "with greeting and name": "Hello,\n\n{}\n\nThanks,\nJohn",
    "in a long mail": (
        "Dear support team,\n\nI hope you are well. I have been a customer for two years and have always been happy. "
        "{} Could you please look into this as soon as possible? It would help.\n\nKind regards,\n"
        "Maria Smith"
    ),
}
MANY = 8000
COVERED = (0.90, 0.85, 0.78)

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leave-out", action="store_true")
    parser.add_argument("--framed", action="store_true")
    parser.add_argument("--foreign", type=Path)
    parser.add_argument("--speed", action="store_true")
    arguments = parser.parse_args()
    if arguments.speed:
        speed_lines()
        return
    train, test = sample.rows("train"), sample.rows("test")
    kept, held = train_parts(train)
    trial = answers(learned(kept), held)
    thresholds = {target: threshold_for(trial, target) for target in TARGETS}
    say(f"thresholds from {len(held):,} held-out tickets of the train split: {thresholds}")
    whole = learned(train)
    coverage_table(answers(whole, test), thresholds)
    if arguments.framed:
        framed_lines(whole, test)
    strict = 1.0 if thresholds[0.99] is None else thresholds[0.99]
    if arguments.foreign:
        foreign_lines(whole, arguments.foreign, strict)
    if arguments.leave_out:
        leakage_table(train, test, strict)


def train_parts(rows: Sequence[sample.Row]) -> tuple[list[sample.Row], list[sample.Row]]:
    """Four of five to learn from, one to choose thresholds on."""
    order = np.random.default_rng(77).permutation(len(rows))
    cut = len(rows) // 5
    return [rows[i] for i in order[cut:]], [rows[i] for i in order[:cut]]


def learned(rows: Sequence[sample.Row]) -> LocalModel:
    with TemporaryDirectory() as folder:
        data = Path(folder) / "train.jsonl"
        data.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
        return LocalModel(TAXONOMY, Path(folder), data)


def ticket(text: str) -> Ticket:
    return Ticket(source="bench", subject="", body=text)


def answers(model: LocalModel, rows: Sequence[sample.Row]) -> list[Graded]:
    found = []
    for row in rows:
        began = time.perf_counter()
        guess = model.guess(ticket(row["body"]))
        seconds = time.perf_counter() - began
        stood = guess.familiar and guess.confidence >= MIN_CONFIDENCE
        found.append(
            Graded(
                ticket_id=row["id"],
                label=row["label"],
                team=row["team"],
                suggested_label=guess.label,
                suggested_team=guess.team,
                confidence=guess.confidence,
                stood=stood,
                reason="",
                tier="local",
                cost_nanodollars=0,
                seconds=seconds,
            )
        )
    return found


def coverage_table(found: Sequence[Graded], thresholds: dict[float, float | None]) -> None:
    right = Share(sum(a.right for a in found), len(found))
    stood = [a for a in found if a.stood]
    say(f"\n{len(found):,} test tickets: right team {right.value:.2%} (at least {right.at_least:.2%})")
    precise = Share(sum(a.right for a in stood), len(stood))
    covered = len(stood) / len(found)
    say(f"as shipped: {covered:.1%} covered, {precise.value:.2%} right (at least {precise.at_least:.2%})")
    milliseconds = np.percentile([a.seconds * 1000 for a in found], (50, 95))
    say(f"milliseconds a ticket: {milliseconds[0]:.1f} median, {milliseconds[1]:.1f} at 95 %")
    say("target | threshold | covered | precision | at least (95 %)")
    for target, threshold in thresholds.items():
        decided = [a for a in found if threshold is not None and a.alone and a.confidence >= threshold]
        c = measured(found, decided, target, (threshold,))
        shown = f"{threshold:9.4f}" if threshold is not None else "     none"
        say(f"{target:6.0%} | {shown} | {c.covered.value:7.1%} | {c.precision.value:9.2%} | {c.precision.at_least:.2%}")


def framed_lines(model: LocalModel, test: Sequence[sample.Row]) -> None:
    """Words around the question that it did not learn make it refuse more, and that is all they may do."""
    for name, frame in FRAMES.items():
        stood = [a for a in answers(model, [{**row, "body": frame.format(row["body"])} for row in test]) if a.stood]
        precise = Share(sum(a.right for a in stood), len(stood))
        say(
            f"{name}: decided {len(stood) / len(test):.1%}, {precise.value:.2%} right (at least {precise.at_least:.2%})"
        )


def foreign_lines(model: LocalModel, path: Path, strict: float) -> None:
    rows = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line.strip()]
    for name, texts in (
        ("harmless foreign text", [row["body"] for row in rows if row["label"] == "benign"]),
        ("attack payloads alone", [row["payload"] for row in rows if row["label"] == "injection" and row["payload"]]),
    ):
        found = judged(model, texts)
        shipped, checked = (Share(int(decided.sum()), len(texts)) for decided in decisions(found, MIN_CONFIDENCE))
        strictly = decisions(found, strict)[1].mean()
        say(f"{name}: {len(texts)}, decided as shipped {checked.value:.1%} (at most {checked.at_most:.1%})")
        say(f"  at the 99 % target {strictly:.1%}; as shipped without the check {shipped.value:.1%}")


def speed_lines() -> None:
    """CPU is of this process and what it forks, so it holds on a busy machine; seconds are what a person waits."""
    model = learned(sample.rows("train"))
    say("| characters | read | tickets/s | CPU ms a ticket | median ms | ms at 95 % |\n|---|---|---|---|---|---|")
    for chars in (60, 600):
        asked = [ticket(one["body"]) for one in tickets(MANY, f"speed-{chars}", chars)]
        model.guesses(asked[:AT_ONCE])  # what is read first fills the caches
        alone = list[float]()

        def one_by_one(asked: Sequence[Ticket] = asked, alone: list[float] = alone) -> None:
            for one in asked[: MANY // 4]:
                began = time.perf_counter()
                model.guess(one)
                alone.append((time.perf_counter() - began) * 1000)

        say(speed_line(chars, "one by one", MANY // 4, one_by_one, alone))
        for processes in (1, 2):
            how = f"many at once, {processes} process{'es'[: processes * 2 - 2]}"
            say(speed_line(chars, how, MANY, partial(guesses_of, model, asked, processes), ()))
    say(f"load average: {os.getloadavg()}")


def speed_line(chars: int, how: str, count: int, read: Callable[[], object], alone: Sequence[float]) -> str:
    before, began = os.times(), time.perf_counter()
    read()
    seconds, after = time.perf_counter() - began, os.times()
    cpu = sum(after[:4]) - sum(before[:4])
    of_each = (f"{each:.2f}" for each in np.percentile(alone, (50, 95))) if alone else ("", "")
    return f"| {chars} | {how} | {count / seconds:,.0f} | {cpu * 1000 / count:.2f} | {' | '.join(of_each)} |"


def leakage_table(train: Sequence[sample.Row], test: Sequence[sample.Row], strict: float) -> None:
    say(f"\none team unknown, its tickets mixed in as {MIXED_IN:.0%}; mean of nine, and the worst of them")
    say(f"{'':52}   unknown decided |   known |       precision")
    totals: dict[str, list[tuple[float, float, float]]] = {}
    for team in sorted({row["team"] for row in train}):
        model = learned([row for row in train if row["team"] != team])
        known = [row for row in test if row["team"] != team]
        unknown = [row["body"] for row in test if row["team"] == team]
        said = model.guesses([ticket(row["body"]) for row in known])
        right = np.array([guess.team == row["team"] for guess, row in zip(said, known, strict=True)])
        for name, figures in leaks(
            judged(model, [row["body"] for row in known]), right, judged(model, unknown), strict
        ):
            totals.setdefault(name, []).append(figures)
    for name, found in totals.items():
        mean, worst = np.mean(found, axis=0), np.max(found, axis=0)[0]
        least = np.min(found, axis=0)[2]
        say(f"{name:52} {mean[0]:7.1%} ({worst:6.1%}) | {mean[1]:7.1%} | {mean[2]:.1%} ({least:.1%})")


@dataclass(frozen=True)
class Judged:
    """What is known of each text before it is decided.

    probability: of the team, by the classifier alone. scope: the score of the check. confidence: capped by the check.
    """

    probability: Numbers
    scope: Numbers
    confidence: Numbers


def judged(model: LocalModel, texts: Sequence[str]) -> Judged:
    parameters, guesses = model._parameters, model.guesses(list(map(ticket, texts)))
    encoded = parameters.vocabulary.encode([ticket(text).text for text in texts])
    best = [parameters.labels.index(guess.label) for guess in guesses]
    sure = [guess.team_probability for guess in guesses]
    scope = scope_scores(parameters, encoded, best, sure, model._team_of)
    return Judged(np.array(sure), np.array(scope), np.array([guess.confidence for guess in guesses]))


def decisions(found: Judged, threshold: float) -> tuple[Flags, Flags]:
    """What is decided at a threshold: without the check, with it."""
    return found.probability >= threshold, found.confidence >= max(threshold, MIN_CONFIDENCE)


def leaks(
    known: Judged, right: Flags, unknown: Judged, strict: float
) -> Iterator[tuple[str, tuple[float, float, float]]]:
    """For each rule: the unknown it decides, the known it decides, and how much of what it decides is right."""

    def figures(of_known: Flags, of_unknown: Flags) -> tuple[float, float, float]:
        covered, leaked = float(of_known.mean()), float(of_unknown.mean())
        decided = (1 - MIXED_IN) * covered + MIXED_IN * leaked
        return leaked, covered, float((1 - MIXED_IN) * (of_known & right).mean() / decided)

    for name, threshold in (("as shipped", MIN_CONFIDENCE), ("at the 99 % target", strict)):
        of_known, of_unknown = decisions(known, threshold), decisions(unknown, threshold)
        yield f"{name}, without the check", figures(of_known[0], of_unknown[0])
        yield f"{name}, with it", figures(of_known[1], of_unknown[1])
        alone = float(np.quantile(known.probability, 1 - of_known[1].mean()))
        surest = (each.probability >= alone for each in (known, unknown))
        yield f"{name}, as many without the check", figures(*surest)
    for covered in COVERED:
        for name, of_known, of_unknown in (
            ("probability alone", known.probability, unknown.probability),
            ("confidence", known.confidence, unknown.confidence),
            ("scope score alone", known.scope, unknown.scope),
        ):
            least = np.quantile(of_known, 1 - covered)
            yield f"{covered:.0%} covered by {name}", figures(of_known >= least, of_unknown >= least)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
