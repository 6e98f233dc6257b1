"""`deskhand autonomy labels`: the evidence of the versions in force."""

import json

import pytest

from tests.services.valkey import ValkeyServer
from tests.worker.cli.conftest import Deskhand
from worker.config.settings import Settings
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
