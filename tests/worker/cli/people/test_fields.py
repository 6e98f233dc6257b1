"""Fields of a taxonomy's own on the command line: given by hand, shown, exported as JSON and CSV."""

import csv
import json
from pathlib import Path

import pytest

from tests.worker.cli.conftest import Deskhand
from tests.worker.cli.direct_ledger import DirectLedger
from worker import sample

FIELDS = """
fields:
  - {name: order, description: The order., type: text, pattern: 'A-\\d+', required: true}
  - {name: products, description: Products., type: list, values: [card, loan]}
further_labels: 1
"""


def test_fields_are_given_shown_and_exported(
    deskhand: Deskhand, ledger: DirectLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taxonomy, file = tmp_path / "taxonomy.yaml", tmp_path / "examples.csv"
    taxonomy.write_text(sample.path("taxonomy.yaml").read_text("utf-8") + FIELDS, "utf-8")
    monkeypatch.setenv("DESKHAND_TAXONOMY", str(taxonomy))
    ledger.suggested("s1")
    label = ("--label", "card_arrival")
    lacking = deskhand("decide", "s1", *label)
    assert (lacking.code, "every decision needs order" in lacking.err) == (1, True)
    assert "lacks order" in deskhand("inbox", "approve", "s1").err
    assert "does not match" in deskhand("decide", "s1", *label, "--fields", "order=7").err
    assert "no such field" in deskhand("decide", "s1", *label, "--fields", "colour=red").err
    given = ("--fields", "order=A-7", "--fields", "products=loan, card", "--further-labels", "card_linking")
    decided = deskhand("decide", "s1", *label, *given, "--json").json()["decision"]
    assert (decided["fields"], decided["further_labels"]) == (
        {"order": "A-7", "products": ["loan", "card"]},
        ["card_linking"],
    )
    assert "A-7" in deskhand("show", "s1").out
    assert deskhand("export", str(file), "--examples", "--format", "csv").code == 0
    with file.open(encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert {name: row[name] for name in ("order", "products", "further_labels")} == {
        "order": "A-7",
        "products": "loan, card",
        "further_labels": "card_linking",
    }
    exported = json.loads(deskhand("export", "--examples").out)
    assert (exported["fields"], exported["further_labels"]) == (decided["fields"], ["card_linking"])
    corrected = deskhand("correct", "s1", *label, "--fields", "products=", "--reason", "none", "--json").json()
    assert corrected["decision"]["fields"] == {"order": "A-7"}
