"""Fields of a taxonomy's own are held to it over HTTP, and leave with the outcome."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fallbacks.store import keys
from fallbacks.store.port import Store
from tests.services.valkey import ValkeyServer
from tests.worker.http.served import Served
from worker import sample

FIELDS = """
fields:
  - {name: order, description: The order., type: text, pattern: 'A-\\d+', required: true}
  - {name: amount, description: The sum., type: number}
further_labels: 1
"""


@pytest.fixture
def desk(valkey_server: ValkeyServer, tmp_path: Path) -> Iterator[tuple[Served, httpx.Client]]:
    valkey_server.flush()
    taxonomy = tmp_path / "taxonomy.yaml"
    taxonomy.write_text(sample.path("taxonomy.yaml").read_text("utf-8") + FIELDS, "utf-8")
    home = {"home": tmp_path, "webhook_url": "http://127.0.0.1:9/", "webhook_secret": "whsec_" + "a" * 32}
    with Served(valkey_server.url, taxonomy=taxonomy, **home) as web:
        yield web, web.client(web.key())


def test_fields_are_held_to_the_taxonomy_and_leave_with_the_outcome(desk: tuple[Served, httpx.Client]) -> None:
    web, api = desk
    web.ledger.suggested("T-1")
    version = api.get("/v1/tickets/T-1").json()["version"]

    def edit(**given: object) -> httpx.Response:
        return api.post("/v1/inbox/T-1/edit", json={"version": version, "label": "card_arrival", **given})

    lacking = api.post("/v1/inbox/T-1/approve", json={"version": version})
    assert lacking.is_client_error
    assert "lacks order" in lacking.json()["detail"]
    for given, pointer in (
        ({}, "/fields/order"),
        ({"fields": {"order": "7"}}, "/fields/order"),
        ({"fields": {"order": "A-7", "amount": "much"}}, "/fields/amount"),
        ({"fields": {"order": "A-7", "colour": "red"}}, "/fields/colour"),
        ({"fields": {"order": "A-7"}, "further_labels": ["nonsense"]}, "/further_labels"),
    ):
        refused = edit(**given)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer), refused.text
    decided = edit(fields={"order": "A-7", "amount": 12.5}, further_labels=["card_linking"]).json()
    assert decided["decision"]["fields"] == {"order": "A-7", "amount": 12.5}
    assert decided["decision"]["further_labels"] == ["card_linking"]
    same = {"version": decided["version"], "label": "card_arrival", "reason": "a look", "fields": {"amount": 13}}
    corrected = api.post("/v1/tickets/T-1/correct", json=same)
    assert corrected.json()["decision"]["fields"] == {"order": "A-7", "amount": 13}
    sent = web.ledger.do(lambda ledger: _outbox(ledger.store))
    assert [each["data"]["decision"]["fields"]["amount"] for each in sent] == [12.5, 13]


async def _outbox(store: Store) -> list[dict[str, Any]]:
    """What is on its way, in the order in which it was written."""
    waiting = await store.ranked(keys.OUTBOX, 0, -1)
    rows = [await store.fields(keys.message(message_id)) for message_id, _ in waiting]
    return [json.loads(row["body"]) for row in sorted(rows, key=lambda row: int(row["sequence"]))]
