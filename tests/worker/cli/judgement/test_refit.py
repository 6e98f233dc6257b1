"""`deskhand train --thresholds`: a remote tier stands where people's decisions prove it, from its next start."""

import json

import pytest

from tests.services.valkey import ValkeyServer
from tests.worker.cli.conftest import Deskhand
from worker.config.settings import Settings
from worker.service.celery_factory import sender_app
from worker.wiring import Parts


def test_people_prove_from_where_a_remote_tier_stands(
    deskhand: Deskhand, valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no tier's confidence is a claim" in deskhand("train", "--thresholds").err
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")
    monkeypatch.setenv("DESKHAND_MODEL", "claude-haiku-5-5")
    (before,) = deskhand("plan", "--json").json()["tiers"]
    assert (before["min_confidence"], before["rests_on"]) == (
        0.6,
        "a claim of the model; nothing is proved: 59 more decisions are needed for 95%",
    )
    settings = Settings(model="claude-haiku-5-5", redis_url=valkey_server.url)
    (tier,) = Parts(settings, sender_app(settings, valkey_server.url), valkey_server.url).tiers
    said = {"label": "card_arrival", "team": "card_delivery", "tier": tier.model.name, "basis": tier.basis}
    rows = [
        {
            "id": f"t{n}",
            "label": "card_arrival" if n % 200 or sure > 0.8 else "card_linking",
            "team": "card_delivery",
            "agent": {**said, "version": "v", "blind": False, "confidence": sure},
        }
        for n, sure in enumerate([0.91] * 200 + [0.7] * 200)
    ]
    rows += [{"id": f"c{n}", "action": "close", "closed": "spam", "agent": rows[-1]["agent"]} for n in range(60)]
    with valkey_server.client() as client:
        client.rpush("deskhand:examples", *map(json.dumps, rows))
    (found,) = deskhand("train", "--thresholds", "--json").json()["tiers"]
    assert found["in_words"] == "at 0.91 it covers 43.5%, 100.0% right, at least 98.5%"
    (after,) = deskhand("plan", "--json").json()["tiers"]
    assert (after["min_confidence"], after["rests_on"]) == (
        0.91,
        f"95% right, by people's decisions: {found['in_words']}",
    )
