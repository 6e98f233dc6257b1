"""Data shipped for the demo, the tests and the local model: tickets, taxonomy, knowledge base, customers."""

import gzip
import json
import random
from pathlib import Path

from tasks.run.process import Process
from tasks.tools.ports import PastTicket

_FOLDER = Path(__file__).parent

HISTORY_STRIDE = 5

Row = dict[str, str]


def path(name: str) -> Path:
    """Where a shipped file or folder is, e.g. `path("taxonomy.yaml")`. Raises `FileNotFoundError` naming it."""
    found = _FOLDER / name
    if not found.exists():
        raise FileNotFoundError(f"no sample data named {name!r} in {_FOLDER}")
    return found


def rows(split: str | None = None) -> list[Row]:
    """The labelled tickets of one split ("train" or "test"), or all: id, subject, body, label, team, split."""
    with gzip.open(path("banking77.jsonl.gz"), "rt", encoding="utf-8") as lines:
        read: list[Row] = [json.loads(line) for line in lines]
    return [row for row in read if split is None or row["split"] == split]


def sample_tickets(split: str, count: int, seed: int = 0) -> list[dict[str, object]]:
    """`count` tickets of a split, the same ones for the same seed, each from one of the shipped customers.

    Each has the fields of a ticket under "ticket" (id, source, subject, body, requester) and, beside it, the
    "label" and "team" that people gave it. Raises `ValueError` when the split has fewer.
    """
    available = rows(split)
    if count > len(available):
        raise ValueError(f"split {split!r} has {len(available)} tickets, {count} were asked for")
    dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
    customers = [json.loads(line) for line in path("customers.jsonl").read_text("utf-8").splitlines()]
    return [_labelled(row, dice.choice(customers)) for row in dice.sample(available, count)]


def _labelled(row: Row, customer: dict[str, str]) -> dict[str, object]:
    ticket = {
        "id": row["id"],
        "source": "banking77",
        "subject": row["subject"],
        "body": row["body"],
        "requester": {"id": customer["id"], "name": customer["name"]},
    }
    return {"ticket": ticket, "label": row["label"], "team": row["team"]}


def past_tickets(process: Process) -> list[PastTicket]:
    """Every fifth labelled ticket, for the search of similar ones where the sample's taxonomy is in force."""
    return [PastTicket(row["id"], row["body"], process.facets(row)) for row in rows("train")[::HISTORY_STRIDE]]
