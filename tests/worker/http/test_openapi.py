"""The served OpenAPI document keeps its word: schemathesis calls everything it names, rightly and wrongly."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tasks.triage.process import Triage
from tests.depth import cases
from tests.services.valkey import ValkeyServer
from tests.worker.http.served import Served
from worker import sample
from worker.config.yaml_taxonomy import load_taxonomy
from worker.http.api import make_api
from worker.http.tickets.batch import NDJSON

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    unsupported_method,
]


KNOWN_ONLY_HERE = {
    "POST /v1/inbox/{ticket_id}/edit",
    "POST /v1/inbox/{ticket_id}/repair",
    "GET /v1/inbox",
    "GET /v1/tickets",
}
"""Whose valid bodies may be refused for what a schema cannot say: the labels of the deployment's taxonomy, a repaired
ticket that says nothing, and which cursors were handed out."""


@pytest.fixture(scope="module")
def filled(valkey_server: ValkeyServer) -> Iterator[tuple[Served, str]]:
    """One served application over books that have something of everything."""
    valkey_server.flush()
    with Served(valkey_server.url) as served:
        served.ledger.queued("T-1")
        served.ledger.suggested("T-2")
        served.ledger.failed("T-3")
        served.ledger.rejected("rej_1", b"{")
        yield served, served.key()


@schemathesis.serializer(NDJSON)
def lines(_: object, value: object) -> bytes:
    return str(value).encode("utf-8", "replace")


@asynccontextmanager
async def closed(_: FastAPI) -> AsyncIterator[None]:
    yield


DOCUMENT = make_api(closed, Triage(load_taxonomy(sample.path("taxonomy.yaml")))).openapi()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = [(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods]


@settings(
    max_examples=cases(2, 60),
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # no shrinking: a failure names its curl line as it is
    suppress_health_check=list(HealthCheck),
)
def keeps_the_contract(case: schemathesis.Case, filled: tuple[Served, str]) -> None:
    if "wait" in (case.query or {}):
        case.query.pop("wait")
    served, key = filled
    dropped = [positive_data_acceptance] if case.operation.label in KNOWN_ONLY_HERE else []
    if case.media_type == NDJSON:  # a line that is no ticket is answered in its place
        dropped.append(negative_data_rejection)
    checks = [check for check in CHECKS if check not in dropped]
    case.call_and_validate(base_url=served.url, headers={"Authorization": f"Bearer {key}"}, timeout=60, checks=checks)


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_call_keeps_the_contract(path: str, method: str, filled: tuple[Served, str]) -> None:
    # Not schema.parametrize(): it makes up the calls, seconds of work, whenever tests are collected
    load_all_checks()
    tried = build_operation_test(
        config=SCHEMA.config,
        operation=SCHEMA[path][method],
        test_func=keeps_the_contract,
        given_kwargs={},
        feedback=FeedbackSources(),
    )
    tried(filled=filled)


def test_the_document_is_served_as_it_was_tried(web: Served) -> None:
    assert httpx.get(f"{web.url}/v1/openapi.json").json() == json.loads(json.dumps(DOCUMENT))


def test_the_document_is_3_1_and_guards_what_is_guarded() -> None:
    document = DOCUMENT
    assert document["openapi"].startswith("3.1")
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert ("security" in operation) == path.startswith("/v1/")
            assert path in ("/healthz", "/metrics", "/readyz") or "application/problem+json" in str(
                operation["responses"]["401"]
            )
