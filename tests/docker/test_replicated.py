"""docker/compose.replicated.yaml and docker/kubernetes-replicated: a primary dies, and everything goes on."""

import asyncio
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from fallbacks.ledger.audit import audit
from fallbacks.ledger.states import SETTLED
from fallbacks.store.redis_store import RedisStore
from tests.docker.composed import FOLDER, ComposedService, compose
from tests.docker.replicated import OVER, replicated_store
from tests.docker.test_schemas import validate, validate_compose
from tests.services.waiting import wait_for
from worker import sample
from worker.config.settings import Settings
from worker.simulator.server import run_in_thread

KEY = "dk_operator_of_the_test_0123456789abcdef"
BEFORE, AFTER = 8, 4


def test_tickets_sent_over_http_outlive_the_primary_of_the_composed_store(tmp_path: Path) -> None:
    rows = [row["ticket"] for row in sample.sample_tickets("test", BEFORE + AFTER)]
    with ExitStack() as stack:
        simulator = stack.enter_context(run_in_thread(latency="1"))
        store = stack.enter_context(replicated_store(tmp_path))
        shell = {"ANTHROPIC_API_KEY": "key", "ANTHROPIC_BASE_URL": simulator.url, "DESKHAND_API_KEYS": KEY}
        worker, web = (
            stack.enter_context(ComposedService(tmp_path / name, name, shell, store.hosts, (OVER,)))
            for name in ("worker", "web")
        )
        assert worker.environment()["DESKHAND_REDIS_WAIT"] == "1"
        headers = {"authorization": f"Bearer {KEY}"}
        client = stack.enter_context(httpx.Client(base_url=web.url, headers=headers, timeout=60))
        for row in rows[:BEFORE]:
            assert client.post("/v1/tickets", json=row).status_code == 202
        before = store.primary()
        before.kill9()
        for row in rows[BEFORE:]:  # sent again until it is taken, as every sender does
            wait_for(lambda row=row: client.post("/v1/tickets", json=row).status_code in (200, 202))  # type: ignore[misc]
        assert store.primary() is not before
        states = [client.get(f"/v1/tickets/{row['id']}", params={"wait": 60}).json()["state"] for row in rows]  # type: ignore[index]
        assert set(states) <= {state.value for state in SETTLED}, states
        assert asyncio.run(problems(store.url)) == ()


async def problems(url: str) -> tuple[Any, ...]:
    store = RedisStore(url)
    try:
        return tuple((await audit(store)).problems)
    finally:
        await store.aclose()


def manifests() -> list[dict[str, Any]]:
    files = sorted((FOLDER / "kubernetes-replicated").glob("*.yaml"))
    return [document for file in files for document in yaml.safe_load_all(file.read_text())]


def test_the_files_keep_to_their_schemas() -> None:
    validate_compose(compose(OVER))
    for document in manifests():
        if document["kind"] != "Kustomization":
            validate(document)


def test_the_manifests_start_what_the_compose_file_starts() -> None:
    services, workloads = compose(OVER)["services"], {}
    for one in manifests():
        if one["kind"] == "StatefulSet":
            (workloads[one["metadata"]["name"]],) = one["spec"]["template"]["spec"]["containers"]
            assert one["spec"]["replicas"] == 3
    for name, container in workloads.items():
        for number in ("", "-2", "-3"):
            assert container["args"] == services[name + number]["command"]
    (settings,) = [one for one in manifests() if one["kind"] == "ConfigMap"]
    assert settings["data"] == {"DESKHAND_REDIS_WAIT": str(services["web"]["environment"]["DESKHAND_REDIS_WAIT"])}


def test_what_is_applied_together_exists() -> None:
    folder = FOLDER / "kubernetes-replicated"
    (kustomization,) = [one for one in manifests() if one["kind"] == "Kustomization"]
    named = [*kustomization["resources"], *(patch["path"] for patch in kustomization["patches"])]
    assert {file.name for file in folder.iterdir()} == {*named, "kustomization.yaml"} - {"../kubernetes"}
    component = yaml.safe_load((folder / kustomization["components"][0] / "kustomization.yaml").read_text())
    for file in component["configMapGenerator"][0]["files"]:
        assert (FOLDER / "redis" / file).exists()


def test_every_client_of_the_store_is_told_of_the_sentinels(monkeypatch: pytest.MonkeyPatch) -> None:
    url = compose(OVER)["services"]["worker"]["environment"]["DESKHAND_REDIS_URL"]
    for name in ("handoff", "web"):
        assert compose(OVER)["services"][name]["environment"]["DESKHAND_REDIS_URL"] == url
    monkeypatch.setenv("DESKHAND_REDIS_URL", url)
    assert Settings(_env_file=None).redis_url == url  # type: ignore[call-arg]
