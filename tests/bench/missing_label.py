"""With one label left out, is a candidate that holds it proposed? `python -m tests.bench.missing_label`.

For each of Banking77's 77 labels: a classifier learns the train split without it, and the whole test split is worked.
It suggests where it is sure, and hands on the rest. People decide as the split says, three in a hundred at random. Of
the label that is missing they close half and put the others where the classifier would, which leaves no trace. With
--foreign FILE one further ticket in twenty is of that file and is closed, too.

A candidate holds the label where more than half of its tickets are of it. What `fallbacks.kinds.candidates` asks for
was chosen on the train split, half of it learned and half worked, with these labels left out: card_arrival,
top_up_failed, age_limit, exchange_rate, pin_blocked, country_support, transfer_timing, lost_or_stolen_card.
"""

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fallbacks.kinds.candidates import Candidate
from fallbacks.kinds.findings import find
from fallbacks.ledger.past.examples import Example
from tasks.triage.process import Triage
from tasks.triage.taxonomy import Taxonomy
from worker import sample
from worker.config.yaml_taxonomy import load_taxonomy
from worker.evaluation.labelled import read_labelled
from worker.models.local.features import Vocabulary
from worker.models.local.training import regression

Row = tuple[str, str]
"""(text, label); "" for a ticket that has nothing to do with any."""

SURE, SHARPNESS = 0.7, 2.0
NOISE, CLOSED, FOREIGN = 0.03, 0.5, 0.05
_COARSE = 3e-3
"""Ten times the model's own tolerance: seconds a label, and it decides next to nothing here."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--foreign", type=Path)
    parser.add_argument("--labels", type=int, default=77, help="the first so many, by name")
    arguments = parser.parse_args()
    learn, asked = (rows_of(split) for split in ("train", "test"))
    texts = [row.ticket.text for row in read_labelled(arguments.foreign, "all")] if arguments.foreign else []
    foreign = [(text, "") for text in random.Random(1).sample(texts, int(len(asked) * FOREIGN))] if texts else []
    labels = sorted({label for _, label in asked})[: arguments.labels]
    held = 0
    for label in labels:
        found, truth = proposed(label, learn, asked, foreign)
        ranks = [place for place, each in enumerate(found, 1) if holds(each, label, truth)]
        held += bool(ranks)
        sys.stdout.write(f"{label}: {f'candidate {ranks[0]} of' if ranks else 'none of'} {len(found)}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{held} of {len(labels)} labels that were left out are proposed\n")


def rows_of(split: str) -> list[Row]:
    return [(row["body"], row["label"]) for row in sample.rows(split)]


def proposed(
    left_out: str, learn: Sequence[Row], asked: Sequence[Row], foreign: Sequence[Row] = ()
) -> tuple[list[Candidate], dict[str, str]]:
    """What is proposed where this label is missing, and the true label of each ticket, by id."""
    whole = load_taxonomy(sample.path("taxonomy.yaml"))
    process = Triage(Taxonomy(teams=whole.teams, labels=tuple(one for one in whole.labels if one.name != left_out)))
    rows = list(asked)
    suggested = suggestions([row for row in learn if row[1] != left_out], rows)
    worked = [*zip(rows, suggested, strict=True), *((row, None) for row in foreign)]
    random.Random(f"{left_out} in what order").shuffle(worked)
    dice, others = random.Random(left_out), sorted({label for _, label in learn} - {left_out})
    examples = [
        decided(process, f"t{number}", row, said, left_out, others, dice) for number, (row, said) in enumerate(worked)
    ]
    truth = {f"t{number}": label for number, ((_, label), _) in enumerate(worked)}
    return list(find(process, examples, 0, ()).candidates), truth


def suggestions(learn: Sequence[Row], asked: Sequence[Row]) -> list[tuple[str, float]]:
    """(label, confidence) of each, by a classifier like the local model's."""
    vocabulary = Vocabulary.learn(text for text, _ in learn)
    texts = [vocabulary.encode([text for text, _ in part]).weights.scipy for part in (learn, asked)]
    fitted = regression().set_params(tol=_COARSE).fit(texts[0], np.array([label for _, label in learn]))
    chances = fitted.predict_proba(texts[1]) ** SHARPNESS
    chances /= chances.sum(axis=1, keepdims=True)
    pairs = zip(chances.argmax(axis=1), chances.max(axis=1), strict=True)
    return [(str(fitted.classes_[best]), float(sure)) for best, sure in pairs]


def decided(
    process: Triage,
    ticket_id: str,
    row: Row,
    said: tuple[str, float] | None,
    left_out: str,
    others: Sequence[str],
    dice: random.Random,
) -> Example:
    """What a person made of one ticket. said: what the classifier did, None for nothing."""
    text, true = row
    suggested = said[0] if said and said[1] >= SURE else None
    if not true or (true == left_out and dice.random() < CLOSED):
        key, closed = "", "other"
    elif true == left_out:
        key, closed = said[0] if said else others[0], ""
    else:
        key, closed = dice.choice(others) if dice.random() < NOISE else true, ""
    facets = {} if closed else {"label": key, "team": process.taxonomy.by_name[key].team}
    return Example(ticket_id, text, facets, key, suggested, "ada", "", None, 0, None, None, closed)


def holds(candidate: Candidate, label: str, truth: dict[str, str]) -> bool:
    return 2 * sum(truth[one] == label for one in candidate.tickets) > len(candidate.tickets)


if __name__ == "__main__":
    main()
