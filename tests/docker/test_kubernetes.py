"""The Kubernetes manifests: well formed, consistent with each other, with the settings and with the compose file."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from redis import Redis

from tests.docker.composed import FOLDER, ComposedRedis, compose
from tests.services.waiting import wait_for
from worker.config.settings import Settings

FILES = sorted((FOLDER / "kubernetes").glob("*.yaml"))
VERSIONS = {
    "Namespace": "v1",
    "ConfigMap": "v1",
    "Service": "v1",
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "PodDisruptionBudget": "policy/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "Kustomization": "kustomize.config.k8s.io/v1beta1",
    "TriggerAuthentication": "keda.sh/v1alpha1",
    "ScaledObject": "keda.sh/v1alpha1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "CronJob": "batch/v1",
    "PersistentVolumeClaim": "v1",
    "ServiceMonitor": "monitoring.coreos.com/v1",
    "PrometheusRule": "monitoring.coreos.com/v1",
}


def objects(*kinds: str) -> list[dict[str, Any]]:
    found = [document for file in FILES for document in yaml.safe_load_all(file.read_text())]
    return [document for document in found if not kinds or document["kind"] in kinds]


def workload(name: str) -> dict[str, Any]:
    (found,) = [one for one in objects("Deployment", "StatefulSet") if one["metadata"]["name"] == name]
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_document_has_its_version_kind_and_name(file: Path) -> None:
    for document in yaml.safe_load_all(file.read_text()):
        assert document["apiVersion"] == VERSIONS[document["kind"]]
        assert document["kind"] == "Kustomization" or document["metadata"]["name"]


def test_what_is_applied_together_exists_and_the_two_autoscalers_of_workers_are_not() -> None:
    (kustomization,) = objects("Kustomization")
    left = {file.name for file in FILES} - set(kustomization["resources"]) - {"kustomization.yaml"}
    assert left == {"keda.yaml", "worker-hpa.yaml", "service-monitor.yaml", "prometheus-rule.yaml"}


@pytest.mark.parametrize("name", ["worker", "handoff", "web", "redis"])
def test_pods_are_selected_probed_and_locked_down(name: str) -> None:
    spec = workload(name)["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "readinessProbe" in container
    assert "startupProbe" in container
    assert container["resources"]["limits"]["memory"]
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    claimed = {claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", ())}
    assert mounted == {volume["name"] for volume in pod.get("volumes", ())} | claimed


@pytest.mark.parametrize("name", ["worker", "handoff", "web", "redis"])
def test_commands_are_those_of_the_compose_file(name: str) -> None:
    (container,) = workload(name)["spec"]["template"]["spec"]["containers"]
    secured = ["--requirepass", "$(REDISCLI_AUTH)"] if name == "redis" else []
    assert container["args"] == compose()["services"][name]["command"] + secured


@pytest.mark.parametrize("name", ["worker", "handoff"])
def test_workers_outlast_a_run_and_their_liveness_asks_nobody(name: str) -> None:
    pod = workload(name)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["terminationGracePeriodSeconds"] > Settings.model_fields["max_seconds"].default
    assert container["livenessProbe"]["exec"]["command"] == ["python", "-m", "worker.alive"]
    assert container["readinessProbe"]["exec"]["command"] == ["python", "-m", "worker.alive", "--ready"]


def test_no_secret_is_written_down() -> None:
    (settings,) = objects("ConfigMap")
    assert not objects("Secret")
    assert not [name for name in settings["data"] if any(word in name for word in ("KEY", "SECRET", "TOKEN", "DSN"))]


def test_tickets_leave_only_for_what_outlives_their_pod() -> None:
    (settings,) = objects("ConfigMap")
    for name in ("handoff", "web"):
        homes = [volume for volume in workload(name)["spec"]["template"]["spec"]["volumes"] if volume["name"] == "home"]
        assert homes == [{"name": "home", "emptyDir": {}}]
    assert not settings["data"]["DESKHAND_HISTORY_URL"].startswith("sqlite:")


def test_autoscalers_and_budgets_aim_at_workloads_that_exist() -> None:
    names = {one["metadata"]["name"] for one in objects("Deployment")}
    for scaler in objects("ScaledObject", "HorizontalPodAutoscaler"):
        assert scaler["spec"]["scaleTargetRef"]["name"] in names
    for budget in objects("PodDisruptionBudget"):
        assert budget["spec"]["selector"]["matchLabels"]["app"] in names


@pytest.mark.parametrize(
    ("name", "key"), [("worker", "url"), ("handoff", "url"), ("web", "url"), ("redis", "password")]
)
def test_the_store_has_a_password_and_everybody_who_connects_knows_it(name: str, key: str) -> None:
    (container,) = workload(name)["spec"]["template"]["spec"]["containers"]
    variable = "REDISCLI_AUTH" if name == "redis" else "DESKHAND_REDIS_URL"
    (given,) = [one for one in container["env"] if one["name"] == variable]
    assert given["valueFrom"]["secretKeyRef"] == {"name": "deskhand-store", "key": key}


def test_the_network_lets_our_own_pods_alone_to_the_store() -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in objects("NetworkPolicy")}
    assert policies["store"]["podSelector"]["matchLabels"] == {"app": "redis"}
    (rule,) = policies["store"]["ingress"]
    (peer,) = rule["from"]
    assert peer["podSelector"]["matchExpressions"][0]["values"] == ["worker", "handoff", "web", "backup"]
    assert "ingress" not in policies["workers"]


def test_a_snapshot_of_the_backup_job_brings_everything_back(tmp_path: Path) -> None:
    (job,) = objects("CronJob")
    (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    kept = tmp_path / "backup"
    kept.mkdir()
    with ComposedRedis(tmp_path / "live", "redis", {}, {}) as live:
        with Redis.from_url(live.url) as client:
            client.mset({f"key-{n}": "x" * n for n in range(300)})
        script = container["command"][-1].replace("-h redis", f"-p {live.port}").replace("/backup", str(kept))
        subprocess.run([*container["command"][:-1], script], check=True, capture_output=True)
    (snapshot,) = kept.iterdir()
    assert snapshot.suffix == ".rdb"
    (tmp_path / "restored").mkdir()
    snapshot.rename(tmp_path / "restored" / "dump.rdb")
    with RestoredRedis(tmp_path / "restored", "redis", {}, {}) as restored, Redis.from_url(restored.url) as client:
        client.config_set("appendonly", "yes")
        wait_for(lambda: not client.info("persistence")["aof_rewrite_in_progress"])
        assert client.dbsize() == 300
        assert client.strlen("key-299") == 299


class RestoredRedis(ComposedRedis):
    """Started as docker/README.md says to read a snapshot."""

    def command(self) -> list[str]:
        return [{"yes": "no"}.get(word, word) for word in super().command()]


def test_the_operators_rules_are_those_of_prometheus() -> None:
    (rule,) = objects("PrometheusRule")
    assert rule["spec"] == yaml.safe_load((FOLDER / "prometheus" / "rules.yml").read_text())


def test_the_web_is_scraped_as_the_job_that_the_rules_name() -> None:
    (monitor,) = objects("ServiceMonitor")
    (web,) = [one for one in objects("Service") if one["metadata"]["name"] == "web"]
    labels = web["metadata"]["labels"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert labels[monitor["spec"]["jobLabel"]] == "deskhand"
    assert {end["port"] for end in monitor["spec"]["endpoints"]} <= {port["name"] for port in web["spec"]["ports"]}
    assert "annotations" not in web["metadata"], "a scrape by annotation has another job name"


@pytest.mark.parametrize("name", ["worker", "handoff", "web"])
def test_pods_take_every_setting_and_every_file_and_spread_over_nodes(name: str) -> None:
    pod = workload(name)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["envFrom"] == [{"configMapRef": {"name": "deskhand"}}, {"secretRef": {"name": "deskhand"}}]
    (files,) = [volume for volume in pod["volumes"] if volume["name"] == "files"]
    assert files["configMap"] == {"name": "deskhand-files", "optional": True}
    (spread,) = pod["topologySpreadConstraints"]
    assert spread["labelSelector"]["matchLabels"] == {"app": name}


def test_the_store_has_less_memory_than_its_container() -> None:
    (container,) = workload("redis")["spec"]["template"]["spec"]["containers"]
    megabytes = int(container["args"][container["args"].index("--maxmemory") + 1].removesuffix("mb"))
    assert megabytes <= 0.75 * 1024 * int(container["resources"]["limits"]["memory"].removesuffix("Gi"))


def test_the_scaler_reads_the_load_signal_and_never_goes_to_zero() -> None:
    (scaled,) = objects("ScaledObject")
    (trigger,) = scaled["spec"]["triggers"]
    assert trigger["type"] == "metrics-api"
    assert trigger["metadata"]["url"].endswith("/v1/stats")
    assert trigger["metadata"]["valueLocation"] == "load"
    assert scaled["spec"]["minReplicaCount"] >= 1
    assert trigger["metricType"] == "Value"
    assert "fallback" not in scaled["spec"], "refused beside Value before KEDA 2.18"
