"""Labelled files: JSONL, gzip and CSV read alike; a fault names its line."""

import gzip
import json
from pathlib import Path

import pytest

from worker.config.errors import LabelledFileError
from worker.evaluation.labelled import read_labelled

ROWS = [
    {"id": "a", "subject": "Help", "body": "I lost my card", "label": "lost", "split": "train", "carrier_team": "x"},
    {"id": "b", "subject": "", "body": "line one\u2028still it", "label": "loan", "split": "test"},
]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz", "rows.csv"])
def test_every_format_gives_the_same_tickets(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    if name.endswith("csv"):
        quoted = "\n".join(f'{r["id"]},{r["subject"]},"{r["body"]}",{r["label"]},{r["split"]}' for r in ROWS)
        file.write_text("id,subject,body,label,split\n" + quoted, "utf-8")
    else:
        raw = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS).encode()
        file.write_bytes(gzip.compress(raw) if name.endswith("gz") else raw)
    first, second = read_labelled(file, "all")
    assert (first.ticket.id, first.ticket.text, first.label) == ("a", "Help\n\nI lost my card", "lost")
    assert (second.ticket.body, second.split) == ("line one\u2028still it", "test")


def test_what_was_trained_on_is_left_out_unless_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, [*ROWS, {"text": "no split", "label": "loan"}])), "utf-8")
    assert [each.ticket.id for each in read_labelled(file)] == ["b", "line-3"]
    assert [each.ticket.id for each in read_labelled(file, "train")] == ["a"]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{", "is not JSON"),
        ("[1]", "is not an object"),
        ('{"body": "x"}', "has no label"),
        ('{"body": " ", "label": "x"}', "both empty"),
        ('{"body": "x", "label": 3}', "has no label"),
    ],
)
def test_a_fault_names_its_line(tmp_path: Path, line: str, fault: str) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(f"{json.dumps(ROWS[0])}\n\n{line}\n", "utf-8")
    with pytest.raises(LabelledFileError, match=rf"rows\.jsonl:3: .*{fault}"):
        read_labelled(file)


def test_a_missing_or_binary_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(LabelledFileError, match="cannot be read"):
        read_labelled(tmp_path / "none.jsonl")
    (tmp_path / "x.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LabelledFileError, match="cannot be read"):
        read_labelled(tmp_path / "x.jsonl")
