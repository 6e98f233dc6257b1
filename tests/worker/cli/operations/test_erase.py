"""`deskhand erase`: what is counted first, goes then; the journal for auditors stays sound and says so."""

from pathlib import Path

from tests.worker.cli.conftest import Deskhand
from tests.worker.cli.direct_ledger import DirectLedger


def test_a_ticket_is_erased_with_a_receipt(deskhand: Deskhand, ledger: DirectLedger, tmp_path: Path) -> None:
    body = "zebra: my card has not come, and I wait for it since Monday"
    ledger.suggested("e1", body)
    assert deskhand("decide", "e1", "--label", "card_swallowed").code == 0
    ledger.suggested("e2", "somebody else asks")
    tried = deskhand("erase", "--ticket", "e1", "--dry-run", "--json").json()
    assert (tried["erased"], tried["places"]["people's decisions"]) == (False, {"found": 1, "erased": 0})
    done = deskhand("erase", "--ticket", "e1", "--no-scrub")
    assert "written anew" in done.err
    assert "receipt era_" in done.out
    assert "backups" in done.err

    assert deskhand("show", "e1", "--json").json()["ticket"]["body"] == "[erased]"
    assert "erased its texts" in deskhand("show", "e1").out
    assert "zebra" not in deskhand("export", "--examples").out
    assert "erased 1 tickets" in deskhand("control", "log").out
    assert deskhand("audit").code == 0
    file = tmp_path / "journal.jsonl"
    assert deskhand("export", str(file), "--audit").code == 0
    assert b"zebra" not in file.read_bytes()
    found = deskhand("audit", "--verify", str(file), "--json").json()
    assert (found["sound"], found["receipts"], found["erased"] > 1) == (True, 1, True)
    cut = [line for line in file.read_bytes().splitlines(keepends=True) if b'"kind":"receipt"' not in line]
    file.write_bytes(b"".join(cut))
    assert "is not in the file" in deskhand("audit", "--verify", str(file)).err
    assert deskhand("erase").code == 2
    assert deskhand("erase", "--ticket", "nobody").code == 1
