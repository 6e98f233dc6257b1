"""Manifests and compose file against their own schemas: Kubernetes', KEDA's, the Prometheus operator's, compose's.

SCHEMAS names whose, at which version. Kustomization has no schema on the package index: the API server never sees it.
"""

import copy
import importlib
import json
from importlib.metadata import version
from typing import Any

import kubernetes_validate
import pytest

from tests.docker.composed import compose
from tests.docker.test_kubernetes import objects

KUBERNETES = "1.37.0"

SCHEMAS = {
    "kubernetes-validate": KUBERNETES,
    "cloudcoil.models.keda": "2.16.1.0",
    "cloudcoil.models.prometheus-operator": "0.80.1.0",
    "compose-spec": "0.2.1",
}
"""The newest that the index has for each Python we run on; KEDA's and the operator's go by their own versions."""

EXTENSIONS = {
    "keda.sh/v1alpha1": "cloudcoil.models.keda.v1alpha1",
    "monitoring.coreos.com/v1": "cloudcoil.models.prometheus_operator.v1",
}
"""Modules that are four seconds of CPU to import: not when tests are collected, in each of their processes."""

DOCUMENTS = [one for one in objects() if one["kind"] != "Kustomization"]


class Refused(Exception):
    """The schema has no such field, or none of this type."""


def validate(document: dict[str, Any]) -> None:
    """Raises `Refused`. The models of the extensions drop what they do not know, so what comes back is compared."""
    extension = EXTENSIONS.get(document["apiVersion"])
    try:
        if extension is None:
            kubernetes_validate.validate(document, KUBERNETES, strict=True)
            return
        read = getattr(importlib.import_module(extension), document["kind"]).model_validate(document)
    except (kubernetes_validate.ValidationError, ValueError) as error:
        raise Refused(document["kind"]) from error
    if read.model_dump(mode="json", by_alias=True, exclude_unset=True) != document:
        raise Refused(document["kind"])


def validate_compose(document: dict[str, Any]) -> None:
    """Raises `Refused`, for a volume or network that nobody declares, too."""
    import compose_spec  # a second of CPU

    try:
        compose_spec.PyCompose.from_json(json.dumps(document)).validate()
    except ValueError as error:
        raise Refused("compose") from error


def test_the_schemas_are_of_the_versions_that_are_named() -> None:
    assert {name: version(name) for name in SCHEMAS} == SCHEMAS


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_a_manifest_is_of_its_schema_and_a_broken_one_is_refused(document: dict[str, Any]) -> None:
    validate(document)
    for broken in ({"speck": {}}, {"metadata": 7}):
        with pytest.raises(Refused):
            validate({**document, **broken})


@pytest.mark.parametrize(
    ("kind", "path", "wrong"),
    [
        ("Deployment", "spec.template.spec.containers.0", {"imagge": "deskhand"}),
        ("NetworkPolicy", "spec", {"podSelector": "redis"}),
        ("ScaledObject", "spec", {"maxReplicas": 10}),
        ("ScaledObject", "spec.triggers.0", {"metadata": {"targetValue": 0.8}}),
        ("ServiceMonitor", "spec.endpoints.0", {"ports": "http"}),
        ("PrometheusRule", "spec.groups.0.rules.0", {"four": "2m"}),
        ("PrometheusRule", "spec.groups.0.rules.0", {"for": "two minutes"}),
    ],
)
def test_a_fault_deep_in_a_manifest_is_refused(kind: str, path: str, wrong: dict[str, Any]) -> None:
    document = copy.deepcopy(objects(kind)[0])
    part: Any = document
    for step in path.split("."):
        part = part[int(step) if step.isdigit() else step]
    part.update(wrong)
    with pytest.raises(Refused):
        validate(document)


def test_the_compose_file_is_of_its_schema_and_a_broken_one_is_refused() -> None:
    validate_compose(compose())
    for name, value in {"restrat": "always", "restart": "allways", "mem_limit": "2q"}.items():
        broken = copy.deepcopy(compose())
        broken["services"]["web"][name] = value
        with pytest.raises(Refused):
            validate_compose(broken)
