"""Calls as each helpdesk itself would make them, and what the agent makes of their tickets."""

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import httpx

from fallbacks.delivery.outcomes import Outcome
from fallbacks.ledger.ledger import Conclusion
from tasks.run import events as ev
from tasks.ticket import Priority
from tests.worker.cli.direct_ledger import proposal, step
from tests.worker.http.served import Served
from worker import sample
from worker.connectors.yaml_hooks import load_hooks

SECRETS = {
    "ZENDESK_WEBHOOK_SECRET": "dGhpc19zZWNyZXQ",
    "ZENDESK_AUTHORIZATION": "Bearer zen",
    "FRESHDESK_TOKEN": "fresh-token",
    "FRESHDESK_AUTHORIZATION": "Basic fresh",
    "GITHUB_WEBHOOK_SECRET": "It's a Secret to Everybody",
    "GITHUB_AUTHORIZATION": "Bearer gh",
}
HOOKS = load_hooks(sample.path("hooks"), SECRETS)
NOW = datetime(2026, 11, 2, 9, 0, 5, tzinfo=UTC)


def event(name: str, **changes: Any) -> bytes:
    return json.dumps({**json.loads(sample.path(f"hooks/{name}.json").read_text()), **changes}).encode()


def proof(name: str, body: bytes, now: datetime | None = None) -> dict[str, str]:
    """The headers that each system itself would send."""
    if name == "zendesk":
        at = (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
        signed = hmac.new(SECRETS["ZENDESK_WEBHOOK_SECRET"].encode(), at.encode() + body, hashlib.sha256).digest()
        return {
            "x-zendesk-webhook-signature": base64.b64encode(signed).decode(),
            "x-zendesk-webhook-signature-timestamp": at,
        }
    if name == "github":
        signed = hmac.new(SECRETS["GITHUB_WEBHOOK_SECRET"].encode(), body, hashlib.sha256).digest()
        return {"x-hub-signature-256": f"sha256={signed.hex()}"}
    return {"x-deskhand-token": SECRETS["FRESHDESK_TOKEN"]}


def post(web: Served, name: str, body: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
    sent = {"content-type": "application/json", **(proof(name, body) if headers is None else headers)}
    return web.client().post(f"/v1/hooks/{name}", content=body, headers=sent)


def decide(web: Served, ticket_id: str) -> None:
    """The agent decides alone, and what is due leaves."""

    async def work() -> None:
        parts = web._parts()
        claim = await parts.ledger.claim(ticket_id, "w")
        assert not isinstance(claim, str)
        decision = proposal("card_arrival", ["my card has not arrived"])
        await step(parts.ledger, claim.lease, 1, [ev.DecisionSubmitted(1, decision)])
        outcome = {"state": "decided", "decision": decision}
        entries = parts.outcomes.entries(Outcome.DECIDED, ticket_id, claim.door, outcome)
        await parts.ledger.decide(claim.lease, Conclusion([], decision, Priority.NORMAL), entries)
        assert parts.delivery_loop.outbox
        await parts.delivery_loop.outbox.send_due()
        await parts.store.aclose()

    asyncio.run(work())
