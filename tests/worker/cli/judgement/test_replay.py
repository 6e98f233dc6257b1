"""`deskhand replay` on a real Valkey: what was then, what is now, and not one byte written."""

import json
from pathlib import Path

import pytest
import yaml

from fallbacks.ledger.prompts import keep_prompt
from tasks.run.prompt import Prompt
from tests.services.optional import LOCAL_MODEL
from tests.services.valkey import ValkeyServer
from tests.worker.cli.conftest import Deskhand
from tests.worker.cli.direct_ledger import DirectLedger
from worker.simulator.server import run_in_thread

pytestmark = LOCAL_MODEL


@pytest.fixture
def desk(deskhand: Deskhand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deskhand:
    """A local model that has learned two labels."""
    taxonomy = {
        "teams": [{"name": "card_delivery", "description": "r"}, {"name": "blue", "description": "b"}],
        "labels": [
            {"name": "card_arrival", "description": "my card is not here", "team": "card_delivery"},
            {"name": "sky", "description": "the wide sky", "team": "blue"},
        ],
    }
    rows = [("my card is not here yet", "card_arrival"), ("the wide blue sky above", "sky")]
    lines = [json.dumps({"body": f"{body} {i}", "label": label}) for i in range(8) for body, label in rows]
    (tmp_path / "taxonomy.yaml").write_text(yaml.safe_dump(taxonomy), "utf-8")
    (tmp_path / "base.jsonl").write_text("\n".join(lines), "utf-8")
    monkeypatch.setenv("DESKHAND_TAXONOMY", str(tmp_path / "taxonomy.yaml"))
    monkeypatch.setenv("DESKHAND_TRAINING_DATA", str(tmp_path / "base.jsonl"))
    return deskhand


def everything(server: ValkeyServer) -> dict[str, bytes | None]:
    """But for the clock, which goes on whoever reads."""
    with server.client() as client:
        return {key: client.dump(key) for key in client.scan_iter() if not key.endswith(":clock")}


def test_a_replay_shows_what_changes_and_writes_nothing(
    desk: Deskhand, ledger: DirectLedger, valkey_server: ValkeyServer
) -> None:
    ledger.suggested("t1")
    before = everything(valkey_server)
    document = desk("replay", "t1", "--json").json()
    assert document["before"]["decision"]["label"] == document["after"]["decision"]["label"] == "card_arrival"
    assert document["changed"]["tier"] == ["claude-haiku-5-5", "local"]
    assert document["changed"]["cost_nanodollars"] == [1_200_000, 0]
    printed = desk("replay", "t1").out
    assert "claude-haiku-5-5" in printed
    assert "nothing was written" in printed
    assert everything(valkey_server) == before


def test_another_model_takes_the_place_of_all_tiers(
    desk: Deskhand, ledger: DirectLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.suggested("t1")
    with run_in_thread() as simulator:
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", simulator.url)
        monkeypatch.setenv("DESKHAND_MODEL", "local")
        document = desk("replay", "t1", "--model", "claude-sonnet-5-5", "--json").json()
    assert document["after"]["decision"]["tier"] == "claude-sonnet-5-5"
    assert document["paid_nanodollars"] > 0


def test_another_prompt_is_told_beside_the_recorded_one(
    desk: Deskhand, ledger: DirectLedger, monkeypatch: pytest.MonkeyPatch, valkey_server: ValkeyServer, tmp_path: Path
) -> None:
    other = Prompt("Route it by submit_decision.")
    ledger.do(lambda ledger: keep_prompt(ledger.store, other))
    (tmp_path / "other.txt").write_text(other.rules, "utf-8")
    with run_in_thread() as simulator:
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", simulator.url)
        ledger.suggested("t1")
        before = everything(valkey_server)
        for given in (other.version, other.version[:4], str(tmp_path / "other.txt")):
            document = desk("replay", "t1", "--prompt", given, "--json").json()
            assert document["changed"]["prompt"] == [document["before"]["prompt"], other.version]
        assert other.version in desk("replay", "t1", "--prompt", other.version).out
        assert everything(valkey_server) == before
    assert "no prompt kept here" in desk("replay", "t1", "--prompt", "beef").err
    assert "cannot be read" in desk("replay", "t1", "--prompt", "./beef").err


def test_what_cannot_be_replayed_is_one_clear_line(
    desk: Deskhand, ledger: DirectLedger, valkey_server: ValkeyServer
) -> None:
    ledger.suggested("t1")
    ledger.rejected("bad", b"no ticket")
    assert "no step 7" in desk("replay", "t1", "--from", "7").err
    assert "could not be read" in desk("replay", "bad").err
    assert desk("replay", "nobody").code == 1
    with valkey_server.client() as client:
        client.hset("deskhand:t:t1", "blind", "1")
    assert "decided blind" in desk("replay", "t1").err
