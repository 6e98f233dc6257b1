"""`deskhand regress` as a gate in a pipeline: exit 0 or 1, and a table of what changed."""

import json
from pathlib import Path

import pytest
import yaml

from tests.services.optional import LOCAL_MODEL
from tests.services.valkey import ValkeyServer
from tests.worker.cli.conftest import Deskhand
from worker.simulator.server import run_in_thread

pytestmark = LOCAL_MODEL

TOMATOES = [(f"the tomato is ripe and red {i}", "tomato") for i in range(30)]
SKIES = [(f"a wide blue sky above {i}", "sky") for i in range(30)]


def taxonomy(file: Path, tomato: str = "red") -> Path:
    teams = [{"name": name, "description": name} for name in ("red", "blue")]
    labels = [
        {"name": "tomato", "description": "the tomato is ripe", "team": tomato},
        {"name": "sky", "description": "a wide blue sky", "team": "blue"},
    ]
    file.write_text(yaml.safe_dump({"teams": teams, "labels": labels}), "utf-8")
    return file


@pytest.fixture
def desk(deskhand: Deskhand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deskhand:
    lines = [json.dumps({"body": body, "label": label}) for body, label in (*TOMATOES[:15], *SKIES[:15])]
    (tmp_path / "base.jsonl").write_text("\n".join(lines), "utf-8")
    monkeypatch.setenv("DESKHAND_TAXONOMY", str(taxonomy(tmp_path / "taxonomy.yaml")))
    monkeypatch.setenv("DESKHAND_TRAINING_DATA", str(tmp_path / "base.jsonl"))
    return deskhand


def decided(server: ValkeyServer, proposed: str) -> None:
    """People decided sixty tickets; the agent had proposed this for each."""
    rows = [
        {"id": f"t{i}", "text": body, "label": label, "proposed": proposed or label}
        for i, (body, label) in enumerate((*TOMATOES, *SKIES))
    ]
    with server.client() as client:
        client.rpush("deskhand:examples", *map(json.dumps, rows))


def test_what_works_now_is_held_against_what_was_proposed_then(desk: Deskhand, valkey_server: ValkeyServer) -> None:
    decided(valkey_server, "tomato")
    result = desk("regress", "--json")
    document = result.json()
    assert (result.code, document["worse"]) == (0, False)
    assert (document["right"]["before"], document["right"]["after"]) == (30, 60)


def test_a_worse_model_fails_the_gate_and_the_table_says_what_it_loses(
    desk: Deskhand, valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided(valkey_server, "")
    with run_in_thread() as simulator:
        monkeypatch.setenv("DESKHAND_MODEL", "local")
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", simulator.url)
        assert desk("regress", "--model", "claude-haiku-5-5", "--json").code == 0
        simulator.fault("refusal")
        result = desk("regress", "--model", "claude-haiku-5-5")
    assert result.code == 1
    assert "worse: the rule" in result.out
    assert "60 come out otherwise" in result.out


def test_a_prompt_is_gated_as_a_model_is(
    desk: Deskhand, valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    decided(valkey_server, "")
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_text("Route it by submit_decision.", "utf-8")
    bad.write_text("Route it by submit_decision.\n- sky (blue): the tomato is ripe and red", "utf-8")
    with run_in_thread() as simulator:
        monkeypatch.setenv("DESKHAND_MODEL", "claude-haiku-5-5")
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", simulator.url)
        same, worse = desk("regress", "--prompt", str(good)), desk("regress", "--prompt", str(bad), "--json")
    assert (same.code, "0 come out otherwise" in same.out) == (0, True)
    assert (worse.code, worse.json()["worse"], worse.json()["right"]["lost"]) == (1, True, 30)


def test_where_no_tier_reads_a_prompt_it_says_so(desk: Deskhand, valkey_server: ValkeyServer, tmp_path: Path) -> None:
    decided(valkey_server, "")
    (tmp_path / "p.txt").write_text("Route it by submit_decision.", "utf-8")
    assert "reads no prompt" in desk("regress", "--prompt", str(tmp_path / "p.txt")).err
    assert "reads no prompt" not in desk("regress", "--model", "claude-haiku-5-5", "--prompt", "beef").err
    assert "no prompt kept here" in desk("regress", "--prompt", "beef").err


def test_a_taxonomy_is_tried_from_a_file_of_labelled_tickets(desk: Deskhand, tmp_path: Path) -> None:
    file = tmp_path / "test.jsonl"
    rows = (*TOMATOES, *SKIES)
    file.write_text("\n".join(json.dumps({"body": body, "label": label}) for body, label in rows), "utf-8")
    moved = taxonomy(tmp_path / "moved.yaml", "blue")
    document = desk("regress", str(file), "--taxonomy", str(moved), "--json").json()
    assert (document["worse"], len(document["differences"])) == (False, 30)
    unsaid = desk("regress", str(file))
    assert (unsaid.code, "name --model, --taxonomy or --prompt" in unsaid.err) == (1, True)


def test_too_few_decisions_gate_nothing(desk: Deskhand) -> None:
    result = desk("regress")
    assert result.code == 1
    assert "0 tickets are too few" in result.err
