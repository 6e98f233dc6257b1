"""What is looked at when all tickets have left for history: where each is, who finds it, its outcomes, the money."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from fallbacks.ledger.states import State
from tasks.run import events as ev
from tasks.run.limits import Limits
from tasks.ticket import Ticket
from tests.chaos.fleet import FleetLedger
from tests.chaos.web_door import WebDoor, body_of, word_of
from tests.services.http_sink import HttpSink

SAMPLE = 50
"""Looked for by a word of theirs, and sent again by the ledger's own door."""


@dataclass
class Left:
    """found: what breaks the promise, by its name; all empty where it is kept."""

    engine: str
    seed: int
    tickets: int
    corrected: int
    kills: dict[str, int]
    seconds: float = 0
    found: dict[str, list[str]] = field(default_factory=dict)

    @property
    def held(self) -> bool:
        return not any(self.found.values())

    def summary(self) -> str:
        kills = ", ".join(f"{name} {count}" for name, count in sorted(self.kills.items()))
        said = [f"{self.tickets} tickets left for {self.engine}, {self.corrected} of them twice, {self.seconds:.0f} s"]
        said += [f"killed: {kills}; seed {self.seed}"]
        said += [", ".join(f"{head} {len(found)}" for head, found in self.found.items())]
        said += [f"{head}: {one}" for head, found in self.found.items() for one in found[:5]]
        return "\n".join(said)


def judge(ledger: FleetLedger, door: WebDoor, sink: HttpSink, ids: Sequence[str], corrected: set[str]) -> dict[str, list[str]]:  # fmt: skip # noqa: E501
    """At rest. corrected: after they left."""
    sample = ids[:: max(1, len(ids) // SAMPLE)]
    return {
        "not in one place": ledger.loop.run(_misplaced(ledger, ids)),
        "not as it was": list(_changed(ledger, door, ids, corrected)),
        "not found": _missed(door, ids, sample),
        "reported amiss": list(_reported(sink, ids, corrected)),
        "not known again": [one for one in ids if door.accept(one)] + ledger.loop.run(_taken_again(ledger, sample)),
        "unbalanced": list(_unbalanced(ledger, len(ids))),
    }


async def _misplaced(ledger: FleetLedger, ids: Sequence[str]) -> list[str]:
    known, rows = await ledger.parts.history.known(ids), await ledger.parts.store.rows(ids, ["state"])
    pairs = zip(ids, rows, strict=True)
    return [f"{one} is in {'both' if state else 'neither'}" for one, (state,) in pairs if (one in known) == bool(state)]


def _changed(ledger: FleetLedger, door: WebDoor, ids: Sequence[str], corrected: set[str]) -> Iterable[str]:
    """By the doors that answer for one ticket: HTTP, and what `deskhand show` reads."""
    for one in ids:
        view, shown = ledger.view(one), door.ticket(one)
        timeline = ledger.loop.run(ledger.parts.views.timeline(one))
        decisions = sum(isinstance(event.event, ev.Decided) for event in timeline)
        if (view.state, shown["state"], decisions) != (State.DECIDED, State.DECIDED, 1 + (one in corrected)):
            yield f"{one} is {view.state}, and {shown['state']} by HTTP, with {decisions} decisions"


def _missed(door: WebDoor, ids: Sequence[str], sample: Sequence[str]) -> list[str]:
    listed = list(door.search())
    missed = [f"{one} is listed {listed.count(one)} times" for one in ids if listed.count(one) != 1]
    missed += [f"{one} is listed and was never sent" for one in set(listed) - set(ids)]
    return missed + [f"{one} by its word" for one in sample if list(door.search(q=word_of(one))) != [one]]


def _reported(sink: HttpSink, ids: Sequence[str], corrected: set[str]) -> Iterable[str]:
    """At least once, and first reported in order."""
    orders: dict[str, list[int]] = {}
    for request in list(sink.received):
        body = request.json()
        order = orders.setdefault(body["data"]["id"], [])
        if body["type"] in ("ticket.decided", "ticket.corrected") and body["sequence"] not in order:
            order.append(body["sequence"])
    for one in ids:
        order = orders.get(one, [])
        if len(order) != 1 + (one in corrected) or order != sorted(order):
            yield f"{one} was reported in the order {order}"


async def _taken_again(ledger: FleetLedger, ids: Sequence[str]) -> list[str]:
    limits, wait = Limits(), ledger.settings.max_wait_seconds
    sent = [
        Ticket.model_validate({"id": one, "source": "chaos", "subject": f"Question {one}", "body": body_of(one)})
        for one in ids
    ]
    taken = await asyncio.gather(*(ledger.parts.ledger.accept(one, limits, max_wait_seconds=wait) for one in sent))
    return [f"{one.id} by the ledger" for one in taken if one.created]


def _unbalanced(ledger: FleetLedger, tickets: int) -> Iterable[str]:
    report = ledger.audit()
    yield from (f"{name}: {what}" for name, what in report.problems)
    there = report.accepted, report.in_history, report.archived, report.in_both, report.rows
    if there != (tickets, tickets, tickets, 0, 0):
        yield f"accepted, in history, archived, in both and here: {there}"
    if not report.history_spent or report.spent != report.history_spent:
        yield f"{report.spent} was spent, {report.history_spent} in history"
