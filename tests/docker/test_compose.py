"""docker/compose.yaml, played without an engine: each service's command, environment and health check as a process."""

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from redis import Redis

from fallbacks.ledger.states import SETTLED
from tests.docker.composed import (
    FOLDER,
    ComposedAlertmanager,
    ComposedPrometheus,
    ComposedRedis,
    ComposedService,
    compose,
)
from tests.services.http_sink import HttpSink
from tests.services.process import program
from tests.services.waiting import wait_for
from worker import sample
from worker.config.settings import Settings
from worker.simulator.server import run_in_thread

KEY = "dk_operator_of_the_test_0123456789abcdef"
TICKETS = 8


@dataclass
class Deployment:
    redis: ComposedRedis
    worker: ComposedService
    handoff: ComposedService
    web: ComposedService

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.web.url, headers={"authorization": f"Bearer {KEY}"}, timeout=60)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("compose")
    with ExitStack() as stack:
        simulator = stack.enter_context(run_in_thread())
        shell = {"ANTHROPIC_API_KEY": "key", "ANTHROPIC_BASE_URL": simulator.url, "DESKHAND_API_KEYS": KEY}
        redis = stack.enter_context(ComposedRedis(folder / "redis", "redis", shell, {}))
        hosts = {"redis:6379": redis.address}
        started = [
            stack.enter_context(ComposedService(folder / name, name, shell, hosts))
            for name in ("worker", "handoff", "web")
        ]
        yield Deployment(redis, *started)


def test_tickets_through_the_http_door_come_to_rest_and_are_measured(deployment: Deployment, tmp_path: Path) -> None:
    rows = [row["ticket"] for row in sample.sample_tickets("test", TICKETS)]
    with deployment.client() as client:
        for row in rows:
            assert client.post("/v1/tickets", json=row).status_code == 202
        states = [client.get(f"/v1/tickets/{row['id']}", params={"wait": 20}).json()["state"] for row in rows]  # type: ignore[index]
        assert set(states) <= {state.value for state in SETTLED}, states
        stats = client.get("/v1/stats").json()
    assert stats["load"] == 0
    web = deployment.web.url.removeprefix("http://")
    with ComposedPrometheus(tmp_path / "prometheus", "prometheus", {}, {"web:8080": web}) as prometheus:
        wait_for(lambda: _asked(prometheus, "up") == [1.0], message="a scrape")
        assert _asked(prometheus, "sum(deskhand_tickets)") == [TICKETS]
        assert _asked(prometheus, "deskhand_accepted_total") == [TICKETS]
        assert _asked(prometheus, "deskhand_bound_violations_total") == [0]
        named = set(httpx.get(f"{prometheus.url}/api/v1/label/__name__/values").json()["data"])
        answers = {expression: _answer(prometheus, expression) for expression in _expressions()}
    assert {name for name, answer in answers.items() if answer["status"] != "success"} == set()
    assert _metrics(_expressions()) - named <= SEEN_LATER, "a rule or panel asks for what nobody measures"


SEEN_LATER = {
    "deskhand_paused",
    "deskhand_human_decisions_total",
    "deskhand_agent_decisions_total",
    "deskhand_webhook_deliveries_total",
    "deskhand_breaker_open",
    "deskhand_day_budget_dollars",
    "deskhand_source_budget_near",
    "deskhand_deployed_seconds",
    "deskhand_store_replica_lag_bytes",
    "deskhand_history_disk_free_bytes",
    "deskhand_history_disk_bytes",
}
"""Metrics of which there is no series before the first of their kind happens, or is set."""


def test_the_store_is_durable_as_configured(deployment: Deployment) -> None:
    with Redis.from_url(deployment.redis.url, decode_responses=True) as client:
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("save") == {"save": ""}
        assert client.config_get("maxmemory") == {"maxmemory": str(1536 * 2**20)}


def test_a_fault_reaches_the_receiver_of_alerts(deployment: Deployment, tmp_path: Path) -> None:
    web = deployment.web.url.removeprefix("http://")
    with (
        Redis.from_url(deployment.redis.url) as client,
        HttpSink() as receiver,
        ComposedAlertmanager(tmp_path / "am", "alertmanager", {"ALERT_RECEIVER_URL": receiver.url}, {}) as manager,
    ):
        hosts = {"web:8080": web, "alertmanager:9093": manager.url.removeprefix("http://")}
        client.hset("deskhand:control", "webhook_disabled", "410 Gone")
        try:
            with ComposedPrometheus(tmp_path / "prometheus", "prometheus", {}, hosts):
                (notified, *_) = receiver.wait_received(1)
        finally:
            client.hdel("deskhand:control", "webhook_disabled")
    (alert,) = notified.json()["alerts"]
    assert alert["status"] == "firing"
    assert alert["labels"] == {"alertname": "DeskhandWebhookDisabled", "job": "deskhand", "severity": "error"}
    assert alert["annotations"]["runbook_url"] == "docker/RUNBOOK.md#deskhandwebhookdisabled"


def test_workers_live_without_the_store_and_are_ready_only_with_it(deployment: Deployment) -> None:
    assert deployment.worker.healthy("--ready")
    deployment.redis.pause()
    try:
        with httpx.Client(base_url=deployment.web.url, timeout=60) as client:
            assert client.get("/healthz").status_code == 200
            assert client.get("/readyz").status_code == 503
        assert deployment.worker.healthy(), "waiting for the store is no reason to be restarted"
    finally:
        deployment.redis.resume()
    wait_for(deployment.web.healthy, message="the web is ready again")


def test_every_service_stops_in_good_order(deployment: Deployment) -> None:
    """uvicorn finishes its work and then ends by the signal it was sent; Celery ends by itself."""
    for service in (deployment.web, deployment.worker, deployment.handoff):
        assert service.end() in (0, -signal.SIGTERM), service.log.read_text()[-2000:]


@pytest.mark.parametrize("name", ["worker", "handoff", "web"])
def test_services_are_locked_down_and_outlast_a_run(name: str) -> None:
    service = compose()["services"][name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["depends_on"] == {"redis": {"condition": "service_healthy"}}
    if name != "web":
        grace = int(service["stop_grace_period"].removesuffix("s"))
        assert grace > Settings.model_fields["max_seconds"].default


def test_compose_names_only_volumes_that_it_declares() -> None:
    read = compose()
    for name, service in read["services"].items():
        assert {"image", "healthcheck", "restart"} <= set(service), name
        named = {volume.partition(":")[0] for volume in service.get("volumes", ())}
        assert {volume for volume in named if not volume.startswith(".")} <= set(read["volumes"])
        assert "." not in service["image"].partition("/")[0], "no registry host"
    assert {tuple(service["profiles"]) for service in read["services"].values() if "profiles" in service} == {
        ("rabbitmq",),
        ("postgres",),
        ("metrics",),
    }


def test_the_store_has_less_memory_than_its_container() -> None:
    service = compose()["services"]["redis"]
    megabytes = int(service["command"][service["command"].index("--maxmemory") + 1].removesuffix("mb"))
    assert megabytes <= 0.75 * 1024 * int(service["mem_limit"].removesuffix("g"))


def test_alertmanager_says_when_nobody_would_be_woken() -> None:
    started = subprocess.run(
        ["/bin/sh", FOLDER / "alertmanager" / "start"], env={}, capture_output=True, text=True, check=False
    )
    assert started.returncode != 0
    assert "ALERT_RECEIVER_URL: set it to" in started.stderr


def test_promtool_accepts_rules_and_configuration() -> None:
    promtool = program("promtool", package="prometheus")
    for kind, file in (("rules", "rules.yml"), ("config", "prometheus.yml")):
        checked = subprocess.run(
            [promtool, "check", kind, FOLDER / "prometheus" / file], capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr


def _answer(prometheus: ComposedPrometheus, expression: str) -> dict[str, Any]:
    answer: dict[str, Any] = httpx.get(f"{prometheus.url}/api/v1/query", params={"query": expression}).json()
    return answer


def _asked(prometheus: ComposedPrometheus, expression: str) -> list[float]:
    return [float(series["value"][1]) for series in _answer(prometheus, expression)["data"]["result"]]


def _expressions() -> list[str]:
    """Every query of the dashboard and the rules."""
    dashboard = json.loads((FOLDER / "grafana" / "dashboards" / "deskhand.json").read_text())
    groups = yaml.safe_load((FOLDER / "prometheus" / "rules.yml").read_text())["groups"]
    drawn = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return [*drawn, *(rule["expr"] for group in groups for rule in group["rules"])]


def _metrics(expressions: list[str]) -> set[str]:
    return {name for expression in expressions for name in re.findall(r"deskhand_[a-z_]+", expression)}
