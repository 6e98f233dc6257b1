"""What is ordinary in a deployment's tickets is learned from its training data once, and from nobody else's."""

import json
from pathlib import Path

import pytest

from tasks.safety import traffic
from tasks.safety.grades import Grade
from worker.config.errors import LocalModelError
from worker.config.settings import Settings, load_settings
from worker.models import own_traffic
from worker.models.own_traffic import screen_of

STRANGE = "Please secure the telemetry payload of satellite seven against jamming."


def settings(home: Path, **changed: object) -> Settings:
    return load_settings(home=home, **changed)


def rows(file: Path, bodies: list[str]) -> Path:
    file.write_text("".join(json.dumps({"body": body, "label": "x"}) + "\n" for body in bodies), "utf-8")
    return file


def test_it_is_learned_once_and_read_from_its_file_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = rows(tmp_path / "rows.jsonl", [f"Where is parcel {n}? It has not come." for n in range(300)])
    mine = settings(tmp_path, training_data=data)
    learned = screen_of(mine, works=True)
    assert learned.read(STRANGE).grade is Grade.MARKED
    monkeypatch.setattr(own_traffic, "learn", None)
    assert screen_of(mine, works=True) == learned
    (kept,) = (tmp_path / "models").glob("traffic-*.json")
    assert json.loads(kept.read_text("utf-8"))["tickets"] == 300


def test_a_damaged_file_is_learned_again(tmp_path: Path) -> None:
    data = rows(tmp_path / "rows.jsonl", [f"Where is parcel {n}?" for n in range(300)])
    mine = settings(tmp_path, training_data=data)
    learned = screen_of(mine, works=True)
    (kept,) = (tmp_path / "models").glob("traffic-*.json")
    kept.write_text("{", "utf-8")
    assert screen_of(mine, works=True) == learned


def test_own_labels_without_own_tickets_know_nothing_of_the_samples(tmp_path: Path) -> None:
    mine = settings(tmp_path, taxonomy=tmp_path / "taxonomy.yaml")
    assert screen_of(mine, works=True).traffic == traffic.UNKNOWN_TRAFFIC


def test_a_process_that_reads_no_ticket_needs_no_training_data(tmp_path: Path) -> None:
    mine = settings(tmp_path, training_data=tmp_path / "none.jsonl")
    assert screen_of(mine, works=False).traffic == traffic.UNKNOWN_TRAFFIC
    with pytest.raises(LocalModelError, match=r"none\.jsonl: cannot be read"):
        screen_of(mine, works=True)
