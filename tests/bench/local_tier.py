"""What the local tier may decide, on Banking77's test split: `python -m tests.bench.local_tier [--leave-out]`.

First: coverage at a precision target, thresholds chosen on held-out tickets of the train split only. With --leave-out:
one whole team is kept from the model at a time (nine trainings), and its test tickets are mixed in as one in five.
Foreign text: the harmless half of the injection set (--foreign FILE). Training text is never measured.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tasks.ticket import Ticket
from worker import sample
from worker.evaluation import Answer, Share, at_threshold, threshold_for
from worker.local_model import MIN_CONFIDENCE, Guess, LocalModel
from worker.yaml_taxonomy import load_taxonomy

TAXONOMY = load_taxonomy(sample.path("taxonomy.yaml"))
TARGETS = (0.95, 0.98, 0.99)
MIXED_IN = 0.2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leave-out", action="store_true")
    parser.add_argument("--foreign", type=Path)
    arguments = parser.parse_args()
    train, test = sample.rows("train"), sample.rows("test")
    kept, held = train_parts(train)
    trial = answers(learned(kept), held)
    thresholds = {target: threshold_for(trial, target) for target in TARGETS}
    say(f"thresholds from {len(held):,} held-out tickets of the train split: {thresholds}")
    whole = learned(train)
    coverage_table(answers(whole, test), thresholds)
    if arguments.foreign:
        foreign_lines(whole, arguments.foreign, thresholds)
    if arguments.leave_out:
        leakage_table(train, test, thresholds)


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


def answers(model: "LocalModel | Uncapped", rows: Sequence[dict[str, str]], *, foreign: bool = False) -> list[Answer]:
    """foreign: no team is right."""
    found = []
    for row in rows:
        began = time.perf_counter()
        guess = model.guess(Ticket(source="bench", subject="", body=row["body"]))
        seconds = time.perf_counter() - began
        team = "" if foreign else row["team"]
        stood = guess.familiar and guess.confidence >= MIN_CONFIDENCE
        found.append(
            Answer(
                row["id"], row["label"], team, guess.label, guess.team, guess.confidence, stood, "", "local", 0, seconds
            )
        )
    return found


def coverage_table(found: Sequence[Answer], thresholds: dict[float, float | None]) -> None:
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
        c = at_threshold(found, target, threshold)
        shown = f"{threshold:9.4f}" if threshold is not None else "     none"
        say(f"{target:6.0%} | {shown} | {c.covered.value:7.1%} | {c.precision.value:9.2%} | {c.precision.at_least:.2%}")


def foreign_lines(model: LocalModel, path: Path, thresholds: dict[float, float | None]) -> None:
    rows = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line.strip()]
    for name, texts in (
        ("harmless foreign text", [row["body"] for row in rows if row["label"] == "benign"]),
        ("attack payloads alone", [row["payload"] for row in rows if row["label"] == "injection" and row["payload"]]),
    ):
        lines = [{"id": str(i), "label": "", "team": "", "body": text} for i, text in enumerate(texts)]
        found = answers(Uncapped(model), lines, foreign=True)
        unchecked = Share(sum(a.confidence >= MIN_CONFIDENCE for a in found), len(found))
        decided = at_threshold(found, 0.99, thresholds[0.99]).leaked
        stood = Share(sum(a.stood for a in found), len(found))
        say(f"{name}: {len(found)}, decided as shipped {stood.value:.1%} (at most {stood.at_most:.1%})")
        say(f"  at the 99 % target {decided.value:.1%}; without the check {unchecked.value:.1%}")


def leakage_table(
    train: Sequence[sample.Row], test: Sequence[sample.Row], thresholds: dict[float, float | None]
) -> None:
    say(f"\none team unknown, its tickets mixed in as {MIXED_IN:.0%}")
    say(
        "as shipped (or at the 99 % target): share of the unknown decided | of the known | precision of what is decided"
    )
    totals: dict[str, list[tuple[float, float, float]]] = {}
    for team in sorted({row["team"] for row in train}):
        model = learned([row for row in train if row["team"] != team])
        known = [row for row in test if row["team"] != team]
        unknown = [row for row in test if row["team"] == team]
        for name, figures in leaks(model, known, unknown, thresholds[0.99]).items():
            totals.setdefault(name, []).append(figures)
            say(f"{team:22} {name:28} {figures[0]:7.1%} | {figures[1]:7.1%} | {figures[2]:7.1%}")
    for name, all_figures in totals.items():
        mean = np.mean(all_figures, axis=0)
        say(f"{'mean of nine':22} {name:28} {mean[0]:7.1%} | {mean[1]:7.1%} | {mean[2]:7.1%}")


def leaks(
    model: LocalModel, known: Sequence[sample.Row], unknown: Sequence[sample.Row], strict: float | None
) -> dict[str, tuple[float, float, float]]:
    within, without = answers(Uncapped(model), known), answers(Uncapped(model), unknown, foreign=True)
    strict = 1.0 if strict is None else strict
    rules = {
        "shipped, check off": lambda a: a.confidence >= MIN_CONFIDENCE,
        "shipped, check on": lambda a: a.stood,
        "99 % target, check off": lambda a: a.confidence >= strict,
        "99 % target, check on": lambda a: a.stood and a.confidence >= strict,
    }
    figures = {}
    for name, decides in rules.items():
        leaked = float(np.mean([decides(a) for a in without]))
        covered = float(np.mean([decides(a) for a in within]))
        right = float(np.mean([decides(a) and a.right for a in within]))
        decided = (1 - MIXED_IN) * covered + MIXED_IN * leaked
        figures[name] = (leaked, covered, (1 - MIXED_IN) * right / decided)
    return figures


class Uncapped:
    """The same model, with the classifier's own confidence beside the verdict of the check."""

    def __init__(self, model: LocalModel) -> None:
        self.model = model

    def guess(self, ticket: Ticket) -> Guess:
        parameters = self.model._parameters
        chances = np.bincount(
            self.model._team_of, weights=parameters.probabilities(parameters.vocabulary.encode(ticket.text))
        )
        return replace(self.model.guess(ticket), confidence=min(1.0, float(chances.max())))


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
