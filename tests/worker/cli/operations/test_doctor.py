"""`deskhand doctor` refuses a deployment that may lose tickets, and says what to change."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from tests.services.valkey import ValkeyServer
from tests.worker.cli.conftest import Deskhand, Result
from worker.config.settings import load_settings
from worker.ops.doctor import STORE_CHECKS, Check, Verdict, masked_url
from worker.ops.doctor_replication import connections, replication
from worker.ops.redis_facts import StoreFacts
from worker.simulator import run_in_thread

SOUND: dict[str, Any] = {
    "redis_version": "7.4.1",
    "redis_mode": "standalone",
    "role": "master",
    "maxmemory_policy": "noeviction",
    "aof_enabled": 1,
    "used_memory": 1_000_000,
    "maxmemory": 100_000_000,
}


def verdicts(info: dict[str, Any] | None = None, fsync: str | None = "everysec", skew: float = 0.0) -> dict[str, Check]:
    facts = StoreFacts({**SOUND, **(info or {})}, fsync, skew, 0.1)
    return {found.name: found for found in (check(facts) for check in STORE_CHECKS)}


def verdict_of(result: Result, name: str) -> tuple[str, str]:
    check = next(check for check in result.json()["checks"] if check["name"] == name)
    return check["verdict"], check["change"]


def test_a_sound_deployment_is_ready(deskhand: Deskhand) -> None:
    result = deskhand("doctor", "--json")
    assert (result.code, result.json()["ready"]) == (0, True)
    assert "ready, with" in deskhand("doctor").out


def test_the_checks_come_first_and_the_settings_on_request(deskhand: Deskhand) -> None:
    assert "DESKHAND_LEASE_SECONDS" not in deskhand("doctor").out
    shown = deskhand("doctor", "--settings").out
    assert shown.index("Checks") < shown.index("DESKHAND_LEASE_SECONDS")
    assert deskhand("doctor", "--json").json()["settings"]["DESKHAND_LEASE_SECONDS"] == "30.0"


def test_a_sound_store_has_nothing_to_change() -> None:
    assert {check.verdict for check in verdicts().values()} == {Verdict.OK}


@pytest.mark.parametrize(
    ("info", "name", "verdict"),
    [
        ({"redis_version": "6.0.16"}, "store version", "fail"),
        ({"redis_version": "6.2.14"}, "store version", "warn"),
        ({"redis_version": "7.2.4", "valkey_version": "9.1.2"}, "store version", "ok"),
        ({"redis_mode": "cluster", "cluster_enabled": 1}, "store mode", "fail"),
        ({"redis_mode": "sentinel"}, "store mode", "fail"),
        ({"role": "slave"}, "store mode", "fail"),
        ({"maxmemory_policy": "allkeys-lru"}, "maxmemory-policy", "fail"),
        ({"aof_enabled": 0}, "appendonly", "fail"),
        ({"aof_last_write_status": "err"}, "appendonly", "fail"),
        ({"used_memory": 80_000_000}, "store memory", "warn"),
        ({"used_memory": 95_000_000}, "store memory", "fail"),
        ({"maxmemory": 0, "total_system_memory": 2_000_000_000}, "store memory", "warn"),
    ],
)
def test_each_fault_of_a_store_is_found(info: dict[str, Any], name: str, verdict: str) -> None:
    check = verdicts(info)[name]
    assert check.verdict == verdict
    assert bool(check.change) == (verdict != "ok")


@pytest.mark.parametrize(("fsync", "verdict"), [("always", "ok"), ("everysec", "ok"), ("no", "fail"), (None, "warn")])
def test_how_often_the_file_is_synced_is_judged(fsync: str | None, verdict: str) -> None:
    assert verdicts(fsync=fsync)["appendfsync"].verdict == verdict


@pytest.mark.parametrize(("skew", "verdict"), [(0.5, "ok"), (-3.0, "warn"), (7200.0, "fail")])
def test_clocks_are_compared(skew: float, verdict: str) -> None:
    assert verdicts(skew=skew)["clocks"].verdict == verdict


def test_a_real_store_that_forgets_is_not_ready(
    deskhand: Deskhand, start_valkey: Callable[..., ValkeyServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_valkey(appendonly="no", maxmemory="50mb", maxmemory_policy="allkeys-lru")
    monkeypatch.setenv("DESKHAND_REDIS_URL", server.url)
    result = deskhand("doctor", "--json")
    assert result.code == 1
    assert verdict_of(result, "appendonly")[0] == "fail"
    assert verdict_of(result, "maxmemory-policy") == (
        "fail",
        "CONFIG SET maxmemory-policy noeviction, and in its configuration",
    )
    assert "not ready" in deskhand("doctor").out


def test_what_cannot_be_reached_is_a_failed_check_and_passwords_stay_hidden(
    deskhand: Deskhand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESKHAND_REDIS_URL", "redis://:s3cret@127.0.0.1:1/0")
    monkeypatch.setenv("DESKHAND_BROKER_URL", "amqp://user:s3cret@127.0.0.1:1//")
    monkeypatch.setenv("DESKHAND_ALERT_WEBHOOK_URL", "http://127.0.0.1:1/hooks/s3cret")
    result = deskhand("doctor", "--json")
    assert (verdict_of(result, "store")[0], verdict_of(result, "broker")[0]) == ("fail", "fail")
    assert "s3cret" not in result.out + result.err + deskhand("doctor").out


def test_invalid_settings_are_failed_checks(deskhand: Deskhand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESKHAND_MODEL", "claude-haiku-5-5")
    result = deskhand("doctor", "--json")
    assert result.code == 1
    assert "needs ANTHROPIC_API_KEY" in result.json()["checks"][0]["found"]


def test_a_cap_below_a_first_call_and_a_model_without_a_price_are_not_ready(
    deskhand: Deskhand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-never-sent")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("DESKHAND_MODELS", "claude-haiku-5-5,claude-unheard-of")
    assert verdict_of(priced := deskhand("doctor", "--json"), "price of claude-unheard-of")[0] == "fail"
    assert verdict_of(priced, "price of claude-haiku-5-5")[0] == "ok"
    assert "sk-never-sent" not in priced.out
    monkeypatch.setenv("DESKHAND_MAX_COST_USD", "0.0001")
    assert "raise DESKHAND_MAX_COST_USD" in verdict_of(deskhand("doctor", "--json"), "price of claude-haiku-5-5")[1]


def test_each_tier_is_named_with_its_terms_and_a_free_one_with_what_bounds_it(
    deskhand: Deskhand, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "prices.yaml").write_text("openai:qwen3:8b: 0\n")
    free = "openai:qwen3:8b@http://127.0.0.1:1/v1"
    monkeypatch.setenv("DESKHAND_PRICES", str(tmp_path / "prices.yaml"))
    monkeypatch.setenv("DESKHAND_MODELS", f"{free},openai:gpt-5-mini,openai:gpt-5-mini@http://127.0.0.1:1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-never-sent")
    result = deskhand("doctor", "--json")
    found = {check["name"]: check["found"] for check in result.json()["checks"]}
    assert "MAX_STEPS, MAX_SECONDS bound a run" in found[f"price of {free}"]
    assert "(DESKHAND_PRICES), context unknown" in found[f"price of {free}"]
    listed = found["price of openai:gpt-5-mini"]
    assert "$0.25 in and $2.00 out for a million tokens (the price list), context 400,000 tokens" in listed
    assert "hands on below confidence 0" in listed
    assert "a first call costs at most $0.0" in listed
    assert verdict_of(result, "price of openai:gpt-5-mini@http://127.0.0.1:1")[0] == "fail"
    assert "sk-never-sent" not in result.out
    monkeypatch.setenv("DESKHAND_MAX_STEPS", "none")
    monkeypatch.setenv("DESKHAND_MAX_SECONDS", "none")
    assert verdict_of(deskhand("doctor", "--json"), f"price of {free}")[0] == "fail"


def test_a_key_that_leaves_the_machine_over_plain_http_is_named(
    deskhand: Deskhand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-never-sent")
    ours = ["openai:a@https://gpu.example", "openai:b@http://127.0.0.2:8000", "openai:c@http://localhost:8000"]
    keyless = "systemone:nimble@http://gpu.example:8000"
    monkeypatch.setenv("DESKHAND_MODELS", ",".join([*ours, keyless]))
    assert verdict_of(deskhand("doctor", "--json"), "API key")[0] == "ok"
    monkeypatch.setenv("DESKHAND_MODELS", ",".join([*ours, "openai:d@http://gpu.example:8000"]))
    verdict, change = verdict_of(deskhand("doctor", "--json"), "API key")
    assert (verdict, "use https" in change) == ("warn", True)


def test_a_probe_makes_one_call_to_each_remote_model_and_says_what_came(
    deskhand: Deskhand, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_in_thread() as simulator:
        monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", simulator.url)
        monkeypatch.setenv("OPENAI_API_KEY", "k")
        monkeypatch.setenv("OPENAI_BASE_URL", f"{simulator.url}/v1")
        cloud = f"vertex:claude-sonnet-5-5@{simulator.url}"
        for name in ("CLOUD_ML_REGION", "ANTHROPIC_VERTEX_PROJECT_ID", "DESKHAND_VERTEX_ACCESS_TOKEN"):
            monkeypatch.setenv(name, "k")
        monkeypatch.setenv("DESKHAND_MODELS", f"local,claude-haiku-5-5,openai:gpt-5-mini,openai:gpt-unheard-of,{cloud}")
        simulator.fault("401", model="claude-haiku-5-5")
        result = deskhand("doctor", "--probe", "--json")
    assert verdict_of(result, "probe of openai:gpt-5-mini") == (
        "warn",
        "it must call tools: take a model, or start its server, with tool calling",
    )
    assert verdict_of(result, "probe of claude-haiku-5-5")[0] == "fail"
    assert "price_unknown" in str(result.json()["checks"])
    assert verdict_of(result, f"probe of {cloud}")[0] == "warn"
    assert simulator.calls.total_requests == 3


def test_a_probe_that_nobody_answers_ends(deskhand: Deskhand, monkeypatch: pytest.MonkeyPatch) -> None:
    with run_in_thread() as simulator:
        simulator.fault("timeout")
        monkeypatch.setenv("DESKHAND_MODELS", "openai:gpt-5-mini")
        monkeypatch.setenv("OPENAI_BASE_URL", f"{simulator.url}/v1")
        monkeypatch.setenv("DESKHAND_CALL_SECONDS", "0.3")
        result = deskhand("doctor", "--probe", "--json")
    assert verdict_of(result, "probe of openai:gpt-5-mini")[0] == "fail"


def test_a_broken_taxonomy_and_an_empty_knowledge_base_are_found(
    deskhand: Deskhand, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "taxonomy.yaml").write_text("teams: 3\n")
    (tmp_path / "knowledge").mkdir()
    monkeypatch.setenv("DESKHAND_TAXONOMY", str(tmp_path / "taxonomy.yaml"))
    monkeypatch.setenv("DESKHAND_KNOWLEDGE", str(tmp_path / "knowledge"))
    result = deskhand("doctor", "--json")
    assert verdict_of(result, "taxonomy")[0] == "fail"
    assert verdict_of(result, "knowledge base")[0] == "warn"


@pytest.mark.parametrize(
    "url",
    [
        "redis://:s3cret@host:6379/0",
        "redis://ann:s3/cr#s3cret?x@host:6379/0",
        "redis://:p@s3cret@host:6379/0",
        "redis+sentinel://:s3cret@h1:26379,h2:26379/mymaster/0",
        "amqp://ann:s3cret@host:5672//",
        "https://s3cret@host/path",
        "redis://host:6379/0?password=s3cret",
        "https://host/path?token=s3cret#s3cret",
    ],
)
def test_urls_are_shown_without_their_passwords(url: str) -> None:
    shown = masked_url(url)
    assert "s3cret" not in shown
    assert shown.startswith(url.partition("://")[0] + "://")
    assert "h1:26379" in shown or "host" in shown


def test_an_address_that_is_a_secret_is_shown_without_its_path() -> None:
    assert masked_url("https://a.example/hooks/token?x=1", whole=True) == "https://a.example/********"
    assert masked_url("redis://:pw@host:6379/0") == "redis://:********@host:6379/0"


def test_a_models_url_with_a_password_is_refused_without_showing_it(
    deskhand: Deskhand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESKHAND_MODELS", "local,openai:tiny@http://ann:s3cret@10.0.0.1:8000/v1")
    result = deskhand("doctor", "--json")
    assert "holds no user, key or query" in result.json()["checks"][0]["found"]
    assert "s3cret" not in result.out + result.err


def test_messages_that_nobody_reads_are_named(deskhand: Deskhand, valkey_url: str) -> None:
    with Redis.from_url(valkey_url) as redis:
        redis.lpush("intake\x06\x163", "{}")
    verdict, change = verdict_of(deskhand("doctor", "--json"), "queues")
    assert (verdict, "serves intake" in change) == ("warn", True)
    assert deskhand("status", "--json").json()["queues"] == {"tickets": 0, "handoff": 0, "intake": 1, "unreadable": 0}
    assert "messages that nobody has read: intake 1" in deskhand("status").out


def test_a_missing_hand_off_worker_and_outcomes_that_did_not_arrive_are_named(
    deskhand: Deskhand, valkey_url: str
) -> None:
    assert verdict_of(deskhand("doctor", "--json"), "outcomes")[0] == "ok"
    with Redis.from_url(valkey_url) as redis:
        now = redis.time()[0] * 1000
        beat = {"at": now, "slots": 4, "busy": 0, "queues": ["tickets"], "draining": False}
        redis.hset("deskhand:workers", "w", json.dumps(beat))
        message = {"ticket": "t1", "event": "ticket.decided", "attempts": 10, "sequence": 1, "outcome": "failed"}
        redis.hset("deskhand:out:msg_1", mapping=message)
        redis.zadd("deskhand:outbox_failed", {"msg_1": now})
    result = deskhand("doctor", "--json")
    assert verdict_of(result, "workers") == ("warn", "start one: `deskhand worker --queues handoff`")
    verdict, change = verdict_of(result, "outcomes")
    assert (verdict, "redeliver --all" in change) == ("warn", True)


REPLICA = {"connected_slaves": 1, "master_repl_offset": 1000, "slave0": {"ip": "h", "offset": 400, "lag": 1}}


@pytest.mark.parametrize(
    ("info", "wait", "config", "verdict"),
    [
        ({}, None, {}, "ok"),
        (REPLICA, None, {}, "fail"),
        (REPLICA, 0, {}, "warn"),
        (REPLICA, 1, {"min-replicas-to-write": "0"}, "warn"),
        (REPLICA, 1, {"min-replicas-to-write": "1"}, "ok"),
        (REPLICA, 2, {}, "fail"),
    ],
)
def test_what_a_failover_may_lose_must_have_been_accepted(
    info: dict[str, Any], wait: int | None, config: dict[str, str], verdict: str
) -> None:
    settings = load_settings() if wait is None else load_settings(redis_wait=wait)
    check = replication(StoreFacts({**SOUND, **info}, "always", 0.0, 0.1, config), settings)
    assert check.verdict == verdict
    assert ("600 bytes behind" in check.found) == (info is REPLICA and wait != 2)


@pytest.mark.parametrize(("most", "open_now", "verdict"), [(20, 5, "fail"), (10_000, 5, "ok"), (100, 90, "warn")])
def test_the_connections_of_the_fleet_must_find_room(most: int, open_now: int, verdict: str) -> None:
    facts = StoreFacts({"connected_clients": open_now}, None, 0.0, 0.1, {"maxclients": str(most)})
    assert connections(facts, workers=2).verdict == verdict
