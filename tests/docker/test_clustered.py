"""docker/compose.cluster.yaml and docker/kubernetes-cluster: a master dies, and everything goes on."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docker.clustered import OVER, clustered_store
from tests.docker.composed import FOLDER, ComposedRedis, compose
from tests.docker.sending import sending, unbalanced
from tests.docker.test_schemas import validate, validate_compose
from tests.services.waiting import wait_for
from worker.config.settings import Settings

BEFORE, AFTER = 8, 4
NODES = [f"node-{number}" for number in range(1, 8)]
MANIFESTS = FOLDER / "kubernetes-cluster"


def test_tickets_sent_over_http_outlive_a_master_of_the_composed_cluster(tmp_path: Path) -> None:
    broker = ComposedRedis(tmp_path / "redis", "redis", {}, {}, (OVER,))
    with clustered_store(tmp_path) as store, broker:
        assert store.serving == NODES[:3]
        with sending(tmp_path, OVER, {**store.hosts, "redis:6379": broker.address}) as sender:
            sender.send(BEFORE)
            dead = store.servers[0]
            dead.kill9()
            sender.send(AFTER)
            wait_for(lambda: len(store.serving) == 3, message="a replica in the place of the master")
            assert dead.name not in store.serving
            sender.wait_at_rest()
            before = store.serving
            dead.start()
            store.form()  # again: it changes nothing
            assert store.serving == before
            assert unbalanced(store.url) == ()


def manifests(*kinds: str) -> list[dict[str, Any]]:
    found = [document for file in sorted(MANIFESTS.glob("*.yaml")) for document in yaml.safe_load_all(file.read_text())]
    return [document for document in found if not kinds or document["kind"] in kinds]


def test_the_files_keep_to_their_schemas() -> None:
    validate_compose(compose(OVER))
    for document in manifests():
        if document["kind"] != "Kustomization":
            validate(document)


def test_the_manifests_start_what_the_compose_file_starts() -> None:
    services = compose(OVER)["services"]
    (nodes,), (former,) = (manifests(kind) for kind in ("StatefulSet", "Job"))
    assert nodes["spec"]["replicas"] == len(NODES)
    names = " ".join(f"node-{number}.node" for number in range(len(NODES)))
    for workload, playing in ((nodes, NODES), (former, ["cluster"])):
        (container,) = workload["spec"]["template"]["spec"]["containers"]
        given = {one["name"]: one.get("value") for one in container["env"]}
        assert given["NODES"] == names
        for name in playing:
            assert container["args"] == services[name]["command"]
            assert set(services[name]["environment"]) <= set(given)
            assert services[name]["environment"]["NODES"] == " ".join(NODES)
    (settings,) = manifests("ConfigMap")
    assert settings["data"] == {"DESKHAND_REDIS_WAIT": str(services["web"]["environment"]["DESKHAND_REDIS_WAIT"])}


def test_what_is_applied_together_exists() -> None:
    (kustomization,) = manifests("Kustomization")
    named = [*kustomization["resources"], *(patch["path"] for patch in kustomization["patches"])]
    assert {file.name for file in MANIFESTS.iterdir()} == {*named, "kustomization.yaml"} - {"../kubernetes"}
    component = yaml.safe_load((MANIFESTS / kustomization["components"][0] / "kustomization.yaml").read_text())
    for file in component["configMapGenerator"][0]["files"]:
        assert (FOLDER / "redis" / file).exists()


def test_the_bus_of_the_cluster_takes_its_own_servers_alone() -> None:
    (policy, *_) = manifests("NetworkPolicy")
    by_port = {rule["ports"][0]["port"]: rule["from"][0]["podSelector"] for rule in policy["spec"]["ingress"]}
    assert by_port[16379] == {"matchLabels": {"app": "node"}} == policy["spec"]["podSelector"]
    assert set(by_port[6379]["matchExpressions"][0]["values"]) == {"worker", "handoff", "web", "backup", "node", "form"}


def test_every_client_of_the_store_knows_the_nodes_and_a_broker_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    services = compose(OVER)["services"]
    for name in ("worker", "handoff", "web"):
        for variable in ("DESKHAND_REDIS_URL", "DESKHAND_BROKER_URL"):
            monkeypatch.setenv(variable, services[name]["environment"][variable])
        read = Settings(_env_file=None)  # type: ignore[call-arg]
        assert read.redis_url == f"redis+cluster://{','.join(f'{node}:6379' for node in NODES)}"
        assert read.broker_url == "redis://redis:6379/0"
        assert services[name]["depends_on"]["cluster"] == {"condition": "service_completed_successfully"}
