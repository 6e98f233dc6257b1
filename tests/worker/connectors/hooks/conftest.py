"""`web`: a served application whose helpdesks are `http_sink`."""

from collections.abc import Iterator

import pytest
import yaml

from tests.services.http_sink import Answer, HttpSink
from tests.services.valkey import ValkeyServer
from tests.worker.connectors.hooks.calls import SECRETS
from tests.worker.http.served import Served
from worker import sample


@pytest.fixture(scope="module")
def helpdesks() -> Iterator[HttpSink]:
    with HttpSink() as sink:
        yield sink


@pytest.fixture
def http_sink(helpdesks: HttpSink) -> HttpSink:
    helpdesks.answer = Answer()
    helpdesks.received.clear()
    return helpdesks


@pytest.fixture(scope="module")
def _served(
    valkey_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory, helpdesks: HttpSink
) -> Iterator[Served]:
    """A served application whose helpdesks are the sink."""
    folder = tmp_path_factory.mktemp("hooks")
    for path in sample.path("hooks").glob("*.yaml"):
        document = yaml.safe_load(path.read_text())
        for update in document["outcomes"]:
            update["url"] = helpdesks.url + "/" + update["url"].split("/", 3)[3]
        (folder / path.name).write_text(yaml.safe_dump(document))
    with pytest.MonkeyPatch.context() as environment:
        for name, value in SECRETS.items():
            environment.setenv(name, value)
        with Served(valkey_server.url, hooks=folder, webhook_allow_private=True) as served:
            yield served


@pytest.fixture
def web(_served: Served, valkey_url: str, http_sink: HttpSink) -> Served:
    return _served
