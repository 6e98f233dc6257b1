"""`deskhand autonomy labels`: the evidence of the versions in force."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.services.valkey import ValkeyServer
from tests.worker.cli.conftest import Deskhand
from worker.config.settings import Settings
from worker.models.local.versions import Version
from worker.service.celery_factory import sender_app
from worker.wiring import Parts


def test_without_evidence_it_says_what_would_count(deskhand: Deskhand) -> None:
    assert "people's decisions" in deskhand("autonomy", "labels").out
    assert deskhand("autonomy", "labels", "--json").json() == {"labels": []}


def test_each_label_shows_what_it_has_earned(
    deskhand: Deskhand, valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")
    settings = Settings(model="claude-haiku-5-5", redis_url=valkey_server.url)
    (tier,) = Parts(settings, sender_app(settings, valkey_server.url), valkey_server.url).tiers
    for label, version, count in (("lost_card", tier.version, 200), ("new_loan", tier.version, 3), ("old", "other", 9)):
        agent = {"label": label, "team": "x", "tier": tier.model.name, "version": version, "blind": False}
        example = json.dumps({"label": label, "team": "x", "at": 1_000, "agent": agent})
        with valkey_server.client() as client:
            client.rpush("deskhand:examples", *[example] * count)
    monkeypatch.setenv("DESKHAND_MODEL", "claude-haiku-5-5")
    lost, loan = deskhand("autonomy", "labels", "--json").json()["labels"]
    assert (lost["label"], lost["state"], lost["n"], lost["agreements"]) == ("lost_card", "auto", 200, 200)
    assert lost["since"].startswith("1970-01-01T00:00:01")
    assert (loan["state"], loan["since"]) == ("suggest", None)
    printed = deskhand("autonomy", "labels").out
    assert "200 of 200" in printed
    assert "other" not in printed
    assert "1 more kind has evidence of versions that work no more" in printed


def test_workers_that_run_another_version_than_is_promoted_are_named(
    deskhand: Deskhand, valkey_server: ValkeyServer, tmp_path: Path
) -> None:
    """What they run counts, whatever the files say."""
    agent = {"label": "lost_card", "team": "x", "tier": "local", "version": "v1", "blind": False}
    beat = {"at": 4e12, "queues": ["tickets"], "slots": 1, "models": {"local": {"version": "v1", "made_of": "0001-a"}}}
    with valkey_server.client() as client:
        client.rpush("deskhand:examples", json.dumps({"label": "lost_card", "team": "x", "at": 1_000, "agent": agent}))
        client.hset("deskhand:workers", "w", json.dumps(beat))
    (tmp_path / "home" / "models" / "versions").mkdir(parents=True)
    kept = [asdict(Version(name, "", 1, 1, 1, 1, 0, 0.01)) for name in ("0001-a", "0002-b")]
    index = {"current": "0002-b", "versions": kept}
    (tmp_path / "home" / "models" / "versions" / "versions.json").write_text(json.dumps(index), "utf-8")
    found = deskhand("autonomy", "labels", "--json").json()
    assert [(row["version"], row["n"]) for row in found["labels"]] == [("v1", 1)]
    assert (found["at_work"]["learned"], found["at_work"]["promoted"]) == ({"0001-a": 1}, "0002-b")
    printed = " ".join(deskhand("autonomy", "labels").out.split())
    assert "1 worker works with the local model 0001-a; 0002-b is promoted" in printed
