"""A worker and the web process of a compose file over a store that is played, and tickets sent to them by HTTP."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from fallbacks.ledger.states import SETTLED
from fallbacks.ledger.sums.audit import audit
from fallbacks.store.redis_opening import open_store
from tests.docker.composed import ComposedService
from tests.services.waiting import wait_for
from worker import sample
from worker.simulator.server import run_in_thread

ROWS = 50
KEY = "dk_operator_of_the_test_0123456789abcdef"


@dataclass
class Sender:
    """sent: ids of what was taken."""

    client: httpx.Client
    sent: list[str] = field(default_factory=list)

    def send(self, count: int) -> None:
        """So many more, each again until it is taken, as every sender does."""
        for row in sample.sample_tickets("test", ROWS)[len(self.sent) :][:count]:
            wait_for(lambda row=row: self._is_taken(row["ticket"]))  # type: ignore[misc]
            self.sent.append(str(row["ticket"]["id"]))

    def _is_taken(self, ticket: dict[str, Any]) -> bool:
        return self.client.post("/v1/tickets", json=ticket).status_code in (200, 202)

    def wait_at_rest(self) -> None:
        """Until each has ended, or waits for a person."""
        for ticket_id in self.sent:
            wait_for(lambda one=ticket_id: self._state(one) in SETTLED, message=f"{ticket_id} at rest")  # type: ignore[misc]

    def _state(self, ticket_id: str) -> str:
        return str(self.client.get(f"/v1/tickets/{ticket_id}", params={"wait": 20}).json()["state"])


@contextmanager
def sending(folder: Path, over: str, hosts: Mapping[str, str]) -> Iterator[Sender]:
    """hosts: where the servers are, by `name:port`."""
    with ExitStack() as stack:
        simulator = stack.enter_context(run_in_thread(latency="1"))
        shell = {"ANTHROPIC_API_KEY": "key", "ANTHROPIC_BASE_URL": simulator.url, "DESKHAND_API_KEYS": KEY}
        worker, web = (ComposedService(folder / name, name, shell, hosts, (over,)) for name in ("worker", "web"))
        assert worker.environment()["DESKHAND_REDIS_WAIT"] == "1"
        for service in (worker, web):
            stack.enter_context(service)
        headers = {"authorization": f"Bearer {KEY}"}
        yield Sender(stack.enter_context(httpx.Client(base_url=web.url, headers=headers, timeout=60)))


def unbalanced(url: str) -> tuple[Any, ...]:
    """What the audit finds wrong."""

    async def found() -> tuple[Any, ...]:
        store = open_store(url, "deskhand:")
        try:
            return tuple((await audit(store)).problems)
        finally:
            await store.aclose()

    return asyncio.run(found())
