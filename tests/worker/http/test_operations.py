"""Health, stats and metrics: what operators and autoscalers look at."""

import json
import re

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tasks.reasons import Reason
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for
from tests.worker.http.served import Served
from worker.work.caretaker import Caretaker


def scraped(client: httpx.Client) -> dict[tuple[str, str], float]:
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
    return {(each.name, ",".join(label for _, label in sorted(each.labels.items()))): each.value for each in samples}


def test_health_needs_nobody_and_no_key(web: Served) -> None:
    web.key()
    client = web.client()
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {
        "status": "ready",
        "checks": {"store": "ok", "broker": "ok"},
        "api": "keys",
    }


def test_a_store_that_takes_no_writes_is_not_ready(web: Served, valkey_server: ValkeyServer) -> None:
    with valkey_server.client() as redis:
        redis.config_set("min-replicas-to-write", 1)
        try:
            answer = web.client().get("/readyz")
        finally:
            redis.config_set("min-replicas-to-write", 0)
    assert (answer.status_code, answer.json()["checks"]["store"]) == (503, "takes no writes")


def test_the_stats_are_an_autoscaling_signal(web: Served, api: httpx.Client) -> None:
    web.ledger.suggested("T-1")
    web.ledger.failed("T-2", Reason.STEP_LIMIT)
    web.ledger.queued("T-3")
    worker = json.dumps({"at": 2**53, "slots": 4, "busy": 0, "queues": ["tickets"]})
    web.ledger.do(lambda ledger: ledger.store.put("workers", {"w": worker}))
    stats = api.get("/v1/stats").json()
    assert (stats["ready"], stats["in_flight"], stats["slots"], stats["load"]) == (1, 0, 4, 0.25)
    assert stats["inbox"]["by_reason"] == {"suggestion": 1, "step_limit": 1}
    assert stats["inbox"]["total"] == 2
    assert stats["oldest_ready_seconds"] >= 0
    spend = stats["spend_today"]
    assert spend["cost_usd"] == spend["cost_nanodollars"] / 1e9 > 0


def test_work_without_a_slot_asks_for_one(web: Served, api: httpx.Client) -> None:
    assert api.get("/v1/stats").json()["load"] == 0
    web.ledger.queued("T-1")
    assert api.get("/v1/stats").json()["load"] == 1


def test_metrics_come_from_the_ledger(web: Served, api: httpx.Client, valkey_server: ValkeyServer) -> None:
    agent = {"label": "lost_card", "team": "cards", "tier": "local", "version": "v1", "blind": False}
    example = json.dumps({"label": "lost_card", "team": "cards", "at": 1_000, "agent": agent})
    beat = {"at": 2**53, "slots": 4, "busy": 0, "queues": ["tickets"], "models": {"local": {"version": "v1"}}}
    with valkey_server.client() as redis:
        redis.rpush("deskhand:examples", *[example] * 3, example.replace('"v1"', '"v0"'))
        redis.hset("deskhand:workers", "w", json.dumps(beat))
    web.ledger.suggested("T-1")
    web.ledger.failed("T-2", Reason.STEP_LIMIT)
    version = api.get("/v1/tickets/T-1").json()["version"]
    api.post("/v1/inbox/T-1/approve", json={"version": version})
    numbers = scraped(web.client())
    assert numbers["deskhand_tickets", "decided"] == 1
    assert numbers["deskhand_human_items", "step_limit,handed_off"] == 1
    assert numbers["deskhand_human_decisions_total", "approve"] == 1
    assert numbers["deskhand_accepted_total", ""] == 2
    assert numbers["deskhand_spend_today_dollars", ""] > 0
    assert numbers["deskhand_queue_ready", "tickets"] == 0
    assert [numbers[f"deskhand_autonomy_{name}", "suggest"] for name in ("kinds", "judged", "agreed")] == [1, 3, 3]
    assert numbers["deskhand_autonomy_kinds", "auto"] == 0


async def nothing(_: Caretaker) -> None:
    pass


def test_a_missing_hand_off_worker_shows(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Caretaker, "round", nothing)  # it would send the alert itself
    with Served(valkey_url) as web:
        nobody_hands_off(web, web.client())


def nobody_hands_off(web: Served, api: httpx.Client) -> None:
    worker = json.dumps({"at": 2**53, "slots": 4, "busy": 0, "queues": ["tickets", "intake"]})
    web.ledger.do(lambda ledger: ledger.store.put("workers", {"w": worker}))
    web.ledger.failed("T-1", Reason.STEP_LIMIT)
    stats = api.get("/v1/stats").json()
    assert stats["slots_by_queue"] == {"tickets": 4, "intake": 4, "handoff": 0}
    wait_for(lambda: api.get("/v1/stats").json()["overdue_seconds"]["alerts"] > 0, message="an alert is overdue")
    numbers = scraped(web.client())
    assert numbers["deskhand_queue_slots", "handoff"] == 0
    assert numbers["deskhand_queue_slots", "tickets"] == 4
    assert numbers["deskhand_alerts_overdue_seconds", ""] > 0
    assert numbers["deskhand_alerts_total", "raised"] - numbers["deskhand_alerts_total", "told"] == 1


def test_the_store_shows_in_the_metrics(web: Served) -> None:
    numbers = scraped(web.client())
    assert numbers["deskhand_store_memory_bytes", ""] > 0
    assert 0 < numbers["deskhand_store_connections", ""] < numbers["deskhand_store_connections_limit", ""]
    assert {"deskhand_store_append_only", "deskhand_store_memory_limit_bytes"} <= {name for name, _ in numbers}


def test_metrics_name_no_ticket(web: Served) -> None:
    web.ledger.failed("T-secret")
    assert not re.search(r"T-secret|card", web.client().get("/metrics").text)


def test_prometheus_may_ask_for_open_metrics(web: Served) -> None:
    answer = web.client().get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_unknown_paths_of_the_api_are_problems_and_others_the_consoles(web: Served) -> None:
    client = web.client()
    assert client.get("/v1/none").json()["type"] == "/problems/not-found"
    refused = client.delete("/v1/tickets")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert client.get("/sign-in").headers["content-type"].startswith("text/html")
