"""Forced failovers of the replicated store of docker/compose.replicated.yaml, with tickets in flight.

Its commands run as processes: three servers, three Sentinels, workers and the web process. Tickets come in by HTTP and
are sent until they are taken; what was taken (202) must be there at the end. Each round fails over with so many in
flight: the primary is killed, stands still until another has its place, or is asked to hand over.
"""

import asyncio
import statistics
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
from redis import Redis

from fallbacks.ledger.states import SETTLED
from fallbacks.ledger.sums.audit import audit
from fallbacks.store.redis_store import RedisStore
from tests.docker.composed import ComposedService
from tests.docker.replicated import NAME, OVER, ReplicatedServer, ReplicatedStore, replicated_store
from tests.services.waiting import wait_for
from worker import sample
from worker.simulator.server import run_in_thread

KEY = "dk_operator_of_the_campaign_0123456789abcdef"
HOW = ("killed", "frozen", "asked to hand over")
SERVICES = {"worker": 4, "handoff": 1, "web": 1}
CALL_SECONDS = 5
SIDE_BY_SIDE = 16
REST_SECONDS = 300.0
ENDS = ("suggested", "handed_off", "decided")
SETTLED_STATES = {state.value for state in SETTLED}


@dataclass
class Result:
    """away: seconds from each fault until a ticket was taken again; at_rest: until all of its round were at rest."""

    replicas: int
    sent: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    problems: int = 0
    away: dict[str, list[float]] = field(default_factory=lambda: {how: [] for how in HOW})
    at_rest: list[float] = field(default_factory=list)

    @property
    def held(self) -> bool:
        """Whether all is there; without replicas that are waited for, the README promises no such thing."""
        return not self.problems and (self.replicas == 0 or not (self.lost or self.doubled))

    def summary(self) -> str:
        times = [
            f"{how} {len(seconds)} times, taken again after {_range(seconds)}"
            for how, seconds in self.away.items()
            if seconds
        ]
        lines = (
            f"DESKHAND_REDIS_WAIT={self.replicas}: {self.sent} tickets taken; the primary was",
            *times,
            f"all of a round at rest after {_range(self.at_rest)}",
            f"lost {len(self.lost)}, ended twice {len(self.doubled)}, unbalanced {self.problems}",
        )
        return "\n  ".join(lines)


def _range(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.1f} s ({max(seconds):.1f} at most)"


class FailingOver:
    """rounds: failovers. in_flight: tickets accepted and not ended at each."""

    def __init__(
        self, folder: Path, replicas: int, rounds: int, in_flight: int, report: Callable[[str], object] = print
    ) -> None:
        self.folder = folder
        self.rounds = rounds
        self.in_flight = in_flight
        self.report = report
        self.result = Result(replicas)
        self._texts = [row["ticket"] for row in sample.sample_tickets("test", 200)]

    def run(self) -> Result:
        with ExitStack() as stack:
            simulator = stack.enter_context(run_in_thread(latency=str(CALL_SECONDS)))
            store = stack.enter_context(replicated_store(self.folder))
            shell = {
                "ANTHROPIC_API_KEY": "key",
                "ANTHROPIC_BASE_URL": simulator.url,
                "DESKHAND_API_KEYS": KEY,
                "DESKHAND_REDIS_WAIT": str(self.result.replicas),
            }
            services = {
                name: stack.enter_context(
                    ComposedService(self.folder / f"{name}-{number}", name, shell, store.hosts, (OVER,))
                )
                for name, scale in SERVICES.items()
                for number in range(scale)
            }
            headers = {"authorization": f"Bearer {KEY}"}
            limits = httpx.Limits(max_connections=SIDE_BY_SIDE * 2)
            client = stack.enter_context(
                httpx.Client(base_url=services["web"].url, headers=headers, timeout=60, limits=limits)
            )
            for number in range(self.rounds):
                self._round(number, store, client)
            taken = [ticket_id for number in range(self.rounds) for ticket_id in self._ids(number)]
            self.result.sent = len(taken)
            self._judge(client, taken)
            self.result.problems = asyncio.run(_problems(store.url))
        return self.result

    def _ids(self, number: int) -> list[str]:
        return [f"f{number:02}-{place:03}" for place in range(self.in_flight + SIDE_BY_SIDE)]

    def _round(self, number: int, store: ReplicatedStore, client: httpx.Client) -> None:
        wait_for(store.whole, message="a primary with two replicas")
        ids, how = self._ids(number), HOW[number % len(HOW)]
        self._send(client, ids[: self.in_flight])
        began = monotonic()
        with _failed_over(store, how):
            self._send(client, ids[self.in_flight : self.in_flight + 1])
            self.result.away[how].append(monotonic() - began)
            self._send(client, ids[self.in_flight + 1 :])
        self._rest(client, ids)
        self.result.at_rest.append(monotonic() - began)
        self.report(
            f"failover {number + 1}: {how}; taken again after {self.result.away[how][-1]:.1f} s, "
            f"at rest after {self.result.at_rest[-1]:.0f} s"
        )

    def _send(self, client: httpx.Client, ids: list[str]) -> None:
        """Each until it is taken, as every sender does; what was taken is not sent again."""

        def sent(ticket_id: str) -> None:
            body = {**self._texts[int(ticket_id[-3:]) % len(self._texts)], "id": ticket_id}
            wait_for(lambda: _taken(client, body), message=f"{ticket_id} to be taken", interval=0.1)

        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            for done in [pool.submit(sent, ticket_id) for ticket_id in ids]:
                done.result()

    def _rest(self, client: httpx.Client, ids: list[str]) -> None:
        waiting = set(ids)

        def at_rest() -> bool:
            for ticket_id in sorted(waiting):
                answer = client.get(f"/v1/tickets/{ticket_id}")
                if answer.status_code == 404:
                    self.result.lost.append(ticket_id)
                elif answer.status_code != 200 or answer.json()["state"] not in SETTLED_STATES:
                    return False
                waiting.discard(ticket_id)
            return True

        wait_for(at_rest, timeout=REST_SECONDS, interval=0.2, message="every ticket to come to rest")

    def _judge(self, client: httpx.Client, ids: list[str]) -> None:
        """What is there at the very end; and how often each was put before people or decided."""
        for ticket_id in ids:
            if client.get(f"/v1/tickets/{ticket_id}").status_code != 200 and ticket_id not in self.result.lost:
                self.result.lost.append(ticket_id)
            kinds = [event["type"] for event in _events(client, ticket_id)]
            if sum(kind in ENDS for kind in kinds) > 1:
                self.result.doubled.append(ticket_id)


def _taken(client: httpx.Client, body: dict[str, Any]) -> bool:
    try:
        return client.post("/v1/tickets", json=body).status_code in (200, 202)
    except httpx.TransportError:
        return False


def _events(client: httpx.Client, ticket_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"/v1/tickets/{ticket_id}/events").json().get("events", [])
    return found


@contextmanager
def _failed_over(store: ReplicatedStore, how: str) -> Iterator[None]:
    """On leaving, what was killed or stood still is back."""
    before = store.primary()
    if how == "killed":
        before.kill9()
    elif how == "frozen":
        before.pause()
    else:
        _hand_over(store, before)
    try:
        yield
        wait_for(lambda: store.primary() is not before, message="another primary")
    finally:
        if how == "killed":
            before.start()
        elif how == "frozen":
            before.resume()


def _hand_over(store: ReplicatedStore, primary: ReplicatedServer) -> None:
    """As the runbook says: without the pause a replica that is not promoted may be all that has what was taken."""
    with Redis(port=primary.port) as redis, Redis(port=store.sentinels[0].port) as sentinel:
        redis.client_pause(5000, all=False)
        sentinel.execute_command("SENTINEL", "FAILOVER", NAME)


async def _problems(url: str) -> int:
    store = RedisStore(url)
    try:
        return len((await audit(store)).problems)
    finally:
        await store.aclose()
