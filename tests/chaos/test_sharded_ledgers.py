"""Books in three instances: one dies and comes back while tickets come in by the router. The others must not notice."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tasks.money import from_usd
from tests.chaos.fleet import Fleet, FleetLedger, ticket
from tests.chaos.verdict import REST
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for
from tests.worker.http.served import Served
from worker.clients import AcceptedDocument, ShardedClient
from worker.simulator import Simulator, run_in_thread

DAILY_BUDGET_USD = Decimal("0.06")
"""Of all shards together: 300 tickets cost about 0.11, so that it binds in a shard with half of its share, too."""

SHARDS = 3
TICKETS = 300
LOT = 30
SOON_MS = 60_000


@dataclass
class Cell:
    """One shard: an instance, its workers, its web process, and what was accepted there."""

    server: ValkeyServer
    fleet: Fleet
    web: Served
    ledger: FleetLedger
    accepted: list[str] = field(default_factory=list)

    def all_at_rest(self) -> bool:
        """Ended, with people, or waiting for tomorrow's budget."""
        states = self.ledger.states()
        at_rest = set(states) <= {*REST, "parked"} and sum(states.values()) >= len(self.accepted)
        return at_rest and self.waiting_for() <= {"daily_budget"} and not self.wakes_soon()

    def waiting_for(self) -> set[str]:
        """Why tickets are parked."""
        return {str(self.ledger.view(one).reason) for one in self.ledger.ids("parked")}

    def wakes_soon(self) -> bool:
        """Whether a ticket waits for money that a call only holds, and is asked for again within seconds."""
        store, run = self.ledger.parts.store, self.ledger.loop.run
        soon = run(store.now_ms()) + SOON_MS
        return any(due < soon for _, due in run(store.ranked("due", 0, 0)))


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with run_in_thread(latency="0.02", seed=5) as simulator:
        yield simulator


@pytest.fixture
def cells(tmp_path: Path, simulator: Simulator) -> Iterator[dict[str, Cell]]:
    """Three shards by address, each with a third of the day's budget."""
    with ExitStack() as stage:
        made = [started(stage, tmp_path / f"shard-{number}", simulator.url) for number in range(SHARDS)]
        for cell in made:
            cell.fleet.ready(*cell.fleet.workers)
        yield {cell.web.url: cell for cell in made}


def started(stage: ExitStack, folder: Path, model_url: str) -> Cell:
    server = stage.enter_context(ValkeyServer(folder / "valkey"))
    settings = {
        "DESKHAND_DAILY_BUDGET_USD": str(DAILY_BUDGET_USD / SHARDS),
        "DESKHAND_TOOLS": "search_knowledge_base",
        "ANTHROPIC_BASE_URL": model_url,
    }
    fleet = stage.enter_context(Fleet(folder / "fleet", server.url, **settings))
    fleet.start(slots=8)
    web = stage.enter_context(Served(server.url))
    return Cell(server, fleet, web, stage.enter_context(FleetLedger(fleet)))


def send(client: ShardedClient, cells: dict[str, Cell], tickets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Through the router. Returns what was refused."""
    refused = []
    for sent, result in zip(tickets, client.accept_many(tickets), strict=True):
        if isinstance(result, AcceptedDocument):
            cells[client.home(result.id)].accepted.append(result.id)
        else:
            refused.append(sent)
    return refused


@pytest.mark.timeout(240)
def test_a_shard_that_dies_and_comes_back_loses_and_doubles_nothing_and_stops_no_other(
    cells: dict[str, Cell], simulator: Simulator
) -> None:
    waiting = [ticket(number) for number in range(TICKETS)]
    victim, *others = cells.values()
    with ShardedClient(list(cells), tries=1) as client:
        assert send(client, cells, waiting[: TICKETS // 3]) == []
        wait_for(lambda: victim.ledger.states().get("suggested", 0) > 0, message="the victim to be at work")
        victim.server.kill9()
        refused = send(client, cells, waiting[TICKETS // 3 : TICKETS // 2])
        assert {client.home(one["id"]) for one in refused} == {victim.web.url}
        for cell in others:
            wait_for(cell.all_at_rest, message="the others to go on without it", interval=0.1)
        victim.server.start()
        assert send(client, cells, refused) == []
        assert send(client, cells, waiting[TICKETS // 2 :]) == []
        for cell in cells.values():
            wait_for(cell.all_at_rest, message=f"all at rest: {cell.ledger.states()}", interval=0.1)

    nothing_lost(cells, [str(one["id"]) for one in waiting])
    nothing_doubled(cells, simulator.calls.report()["tickets"])
    within_the_cap(cells)


def nothing_lost(cells: dict[str, Cell], ids: list[str]) -> None:
    """Every ticket in the books of exactly one shard."""
    there = Counter(
        ticket_id for cell in cells.values() for state in (*REST, "parked") for ticket_id in cell.ledger.ids(state)
    )
    assert there == Counter(ids)
    assert all(len(cell.accepted) > TICKETS / SHARDS / 2 for cell in cells.values())


def nothing_doubled(cells: dict[str, Cell], paid: dict[str, Any]) -> None:
    """Each ended once, and no call was paid that its books do not hold."""
    for cell in cells.values():
        for ticket_id in cell.accepted:
            kinds = Counter(event["type"] for event in cell.ledger.journal(ticket_id))
            waits = cell.ledger.view(ticket_id).state == "parked"
            assert kinds["suggested"] + kinds["handed_off"] == (0 if waits else 1), (ticket_id, kinds)
            accounted = kinds["model_replied"] + kinds["model_failed"] + kinds["call_lost"]
            assert paid.get(ticket_id, {"finished": 0})["finished"] <= accounted, (ticket_id, kinds)


def within_the_cap(cells: dict[str, Cell]) -> None:
    """Every shard balances by itself, kept to its part, and was held by it: then the parts keep the whole."""
    reports = [cell.ledger.audit() for cell in cells.values()]
    assert [(report.problems, report.reserved) for report in reports] == [((), 0)] * SHARDS
    assert all(0 < report.spent <= from_usd(DAILY_BUDGET_USD / SHARDS) for report in reports)
    assert sum(report.spent for report in reports) <= from_usd(DAILY_BUDGET_USD)
    held = [cell.waiting_for() for cell in cells.values()]
    assert held == [{"daily_budget"}] * SHARDS, "the cap was never reached: this test proves nothing"
