"""The journal for auditors leaves by `export --audit`, and `audit --verify` needs a public key and no store."""

from pathlib import Path

import pytest

from fallbacks.history.ed25519_seals import Ed25519Sealer
from tests.worker.cli.conftest import Deskhand
from tests.worker.cli.direct_ledger import DirectLedger

STRANGER = Ed25519Sealer(bytes(32)).public


def test_auditors_check_a_file_by_the_key_they_keep(
    deskhand: Deskhand, ledger: DirectLedger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.suggested("a1")
    ledger.rejected("rej_1", b"\xff no ticket")
    assert deskhand("autonomy", "off").code == 0
    file = tmp_path / "journal.jsonl"
    written = deskhand("export", str(file), "--audit", "--json").json()
    public = deskhand("audit", "--public-key").out.strip()
    assert (written["key"], written["ticket"], written["act"]) == (public, 2, 1)
    assert (tmp_path / "home" / "audit.key").stat().st_mode & 0o077 == 0

    assert "signed by" in deskhand("audit", "--verify", str(file)).out
    assert "0 links" in deskhand("audit", "--chain").out
    monkeypatch.setenv("DESKHAND_REDIS_URL", "redis://127.0.0.1:1")
    monkeypatch.setenv("DESKHAND_HOME", str(tmp_path / "elsewhere"))
    found = deskhand("audit", "--verify", "-", "--key", public, "--json", stdin=file.read_bytes()).json()
    assert (found["sound"], found["head"], found["faults"]) == (True, written["head"], [])

    assert deskhand("audit", "--verify", str(file), "--key", STRANGER).code == 1
    file.write_bytes(file.read_bytes().replace(b"card_arrival", b"card_swallow", 1))
    tampered = deskhand("audit", "--verify", str(file), "--key", public)
    assert tampered.code == 1
    assert "first in line" in tampered.out
    assert deskhand("audit", "--verify", str(file), "--key", "dhp_no").code == 2
    monkeypatch.setenv("DESKHAND_AUDIT_KEY", "dhs_no")
    assert "DESKHAND_AUDIT_KEY: is not dhs_" in deskhand("audit", "--public-key").err
