"""docker/compose.replicated.yaml and docker/kubernetes-replicated: a primary dies, and everything goes on."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docker.composed import FOLDER, compose
from tests.docker.replicated import OVER, replicated_store
from tests.docker.sending import sending, unbalanced
from tests.docker.test_schemas import validate, validate_compose
from worker.config.settings import Settings

BEFORE, AFTER = 8, 4


def test_tickets_sent_over_http_outlive_the_primary_of_the_composed_store(tmp_path: Path) -> None:
    with replicated_store(tmp_path) as store, sending(tmp_path, OVER, store.hosts) as sender:
        sender.send(BEFORE)
        before = store.primary()
        before.kill9()
        sender.send(AFTER)
        assert store.primary() is not before
        sender.wait_at_rest()
        assert unbalanced(store.url) == ()


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
