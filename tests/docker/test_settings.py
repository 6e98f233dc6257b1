"""Whatever an operator sets reaches every process of ours: from a shell by compose, from a ConfigMap by Kubernetes."""

from collections.abc import Mapping

import pytest
import yaml

from tests.docker.composed import FOLDER, compose
from tests.docker.test_kubernetes import workload
from worker.config.settings import PREFIX, Settings

OURS = ("worker", "handoff", "web")

SETTINGS = {
    str(field.validation_alias or f"{PREFIX}{name.upper()}"): f"what is set for {name}"
    for name, field in Settings.model_fields.items()
}
"""Every setting there is, by its variable."""

OF_THE_IMAGE = {"DESKHAND_HOME", "DESKHAND_HOST", "DESKHAND_PORT"}
"""Where a container keeps its state and listens is not the operator's to choose."""


def by_compose(service: str, shell: Mapping[str, str]) -> dict[str, str]:
    """The environment of a container whose operator has set this in the shell."""
    given = compose()["services"][service]["environment"]
    return {name: shell.get(name, "") if value is None else str(value) for name, value in given.items()}


def by_kubernetes(name: str, configured: Mapping[str, str]) -> dict[str, str]:
    """That of one whose operator has set this in the ConfigMap or the Secret; what the manifest sets goes before."""
    (container,) = workload(name)["spec"]["template"]["spec"]["containers"]
    sources = {next(iter(source)) for source in container["envFrom"]}
    assert sources == {"configMapRef", "secretRef"}
    return {**configured, **{one["name"]: str(one.get("value", "")) for one in container.get("env", ())}}


@pytest.mark.parametrize("name", OURS)
def test_every_setting_reaches_its_process(name: str) -> None:
    store = "DESKHAND_REDIS_URL"  # of the store that both start: Kubernetes takes it from that one's own secret
    chosen = {each: value for each, value in SETTINGS.items() if each not in OF_THE_IMAGE}
    for arrived, own in (
        (by_compose(name, chosen), {store, "DESKHAND_LOG_FORMAT"}),
        (by_kubernetes(name, chosen), {store}),
    ):
        assert own <= set(arrived)
        assert {each for each, value in chosen.items() if arrived.get(each) != value} == own


def test_neither_file_names_a_setting_that_there_is_not() -> None:
    named = {
        each
        for file in (FOLDER / "compose.yaml", *(FOLDER / "kubernetes").glob("*.yaml"))
        for document in yaml.safe_load_all(file.read_text())
        for each in _variables(document)
    }
    assert named - set(SETTINGS) == set()
    assert "DESKHAND_MAX_SECONDS" in named


def _variables(part: object) -> set[str]:
    """Names of settings that are keys of a mapping, or named by a container."""
    match part:
        case {"name": str(name), **rest} if name.startswith(PREFIX):
            return {name} | _variables(rest)
        case dict():
            keys = {key for key in part if isinstance(key, str) and key.startswith(PREFIX)}
            return keys.union(*map(_variables, part.values()))
        case list():
            return set[str]().union(*map(_variables, part))
        case _:
            return set()
