"""Conversations over real workers that are killed: their parts in any order, doubled, by every door, people meanwhile.

Each message must be in exactly one ticket, no approval of what a message made stale may come through, and no decision
may be lost.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

from redis import Redis

from fallbacks.errors import Stale
from fallbacks.ledger.states import State
from fallbacks.ledger.views import TicketView
from fallbacks.store import keys
from tasks.conversation import Message
from tests.chaos.fleet import Fleet, FleetLedger
from tests.chaos.threads import Thread, threads
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for
from tests.worker.queue.poison import envelope
from worker.models.local.model import MIN_CONFIDENCE
from worker.simulator import run_in_thread

BATCH = 25
"""Conversations whose parts are on their way at once: a reply finds its first part within `WAITS_SECONDS`."""

WAITS_SECONDS = 30
REST_SECONDS = 900.0
DOORS = ("ledger", "celery", "intake")
PEOPLE = ("ann", "eve")
BEGAN = datetime(2026, 1, 5, 9, tzinfo=UTC)

Part = tuple[Thread, int]
"""0 is the ticket, others are its messages."""


@dataclass
class Conversed:
    """found: what breaks the promise; all empty where it is kept."""

    conversations: int
    messages: int
    kills: int
    refused: int
    seconds: float
    found: dict[str, list[str]] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def held(self) -> bool:
        return not any(self.found.values())

    def summary(self) -> str:
        said = [f"{self.conversations} conversations, {self.messages} messages, {self.kills} workers killed"]
        said += [f"{self.refused} stale approvals refused, {self.seconds:.0f} s"]
        said += [", ".join(f"{head} {len(found)}" for head, found in self.found.items())]
        said += [f"{name}: {figure}" for name, figure in self.figures.items()]
        said += [f"{head}: {one}" for head, found in self.found.items() for one in found[:5]]
        return "\n".join(said)


@dataclass
class Conversing:
    """local: the local tier works them, and its labels are looked at; else the simulated model, for order alone."""

    folder: Path
    count: int
    seed: int
    workers: int = 3
    local: bool = True
    report: Callable[[str], object] = lambda _: None
    kills: int = 0
    refused: int = 0
    approved: list[str] = field(default_factory=list)

    def run(self) -> Conversed:
        self.dice, self.threads = Random(self.seed), threads(self.count, self.seed)
        began = monotonic()
        with ExitStack() as stack:
            server = stack.enter_context(ValkeyServer(self.folder / "valkey"))
            fleet = stack.enter_context(Fleet(self.folder / "fleet", server.url, **self._settings(stack)))
            self.redis = Redis.from_url(server.url)
            self.ledger = stack.enter_context(FleetLedger(fleet))
            fleet.ready(*[fleet.start("tickets,handoff,intake") for _ in range(self.workers)], timeout=600)
            seen: list[TicketView] = []
            for parts in self._batches():
                for part in parts:
                    self._send(part)
                self._approve(seen)
                seen = self._looked_at()
                self._kill(fleet)
            self._rest()
            self._approve(self._looked_at())
            self._rest()
            return self._judged(monotonic() - began)

    def _settings(self, stack: ExitStack) -> dict[str, str]:
        waits = {"DESKHAND_REPLY_WAITS_SECONDS": str(WAITS_SECONDS)}
        if self.local:
            return {**waits, "DESKHAND_MODEL": "local", "DESKHAND_MIN_CONFIDENCE": str(MIN_CONFIDENCE)}
        return {**waits, "ANTHROPIC_BASE_URL": stack.enter_context(run_in_thread(latency="0.05", seed=self.seed)).url}

    def _batches(self) -> Iterator[list[Part]]:
        """Shuffled, some twice."""
        for start in range(0, self.count, BATCH):
            of = self.threads[start : start + BATCH]
            parts = [(thread, place) for thread in of for place in range(len(thread.messages) + 1)]
            parts += self.dice.sample(parts, len(parts) // 3)
            self.dice.shuffle(parts)
            half = len(parts) // 2
            yield parts[:half]
            yield parts[half:]

    def _send(self, part: Part) -> None:
        thread, place = part
        at = (BEGAN + timedelta(minutes=place)).isoformat()
        text = thread.messages[place - 1] if place else thread.first
        door = self.dice.choice(DOORS)
        if place == 0:
            ticket = {"id": thread.id, "source": "chaos", "subject": "", "body": text, "received_at": at}
            self._ticket(ticket, door)
        else:
            message = {"ticket_id": thread.id, "id": f"{thread.id}-m{place}", "body": text, "received_at": at}
            self._message(message, door)

    def _ticket(self, ticket: dict[str, Any], door: str) -> None:
        if door == "ledger":
            self.ledger.accept(ticket)
        else:
            self._push(door, {"ticket": ticket}, ticket)

    def _message(self, found: dict[str, Any], door: str) -> None:
        if door != "ledger":
            self._push(door, {"message": found}, {"kind": "message", **found})
            return
        message = Message.model_validate({name: value for name, value in found.items() if name != "ticket_id"})
        add = self.ledger.parts.threads.add_or_wait(found["ticket_id"], message, door="http", source="chaos")
        self.ledger.loop.run(add)

    def _push(self, door: str, kwargs: dict[str, Any], plain: dict[str, Any]) -> None:
        if door == "celery":
            raw = json.dumps(envelope("tasks.triage", "tickets", body=json.dumps([[], kwargs, None])))
            self.redis.lpush("tickets", raw)
        else:
            self.redis.lpush("intake", json.dumps(plain))

    def _looked_at(self) -> list[TicketView]:
        return [self.ledger.view(ticket_id) for ticket_id in self.ledger.ids("suggested")]

    def _approve(self, seen: list[TicketView]) -> None:
        """What people saw a while ago, as they saw it."""
        for view in seen:
            if view.state is not State.SUGGESTED:
                continue
            approve = self.ledger.parts.inbox.approve(view.id, self.dice.choice(PEOPLE), view.version)
            try:
                self.ledger.loop.run(approve)
                self.approved.append(view.id)
            except Stale:
                self.refused += 1

    def _kill(self, fleet: Fleet) -> None:
        alive = [worker for worker in fleet.workers if worker.alive()]
        self.dice.choice(alive).kill9()
        self.kills += 1
        fleet.ready(fleet.start("tickets,handoff,intake"), timeout=600)

    def _rest(self) -> None:
        def rests() -> bool:
            waiting = sum(self.redis.llen(queue) for queue in ("tickets", "intake", "handoff"))
            moving = {"queued", "running", "parked"} & set(self.ledger.states())
            return not waiting and not moving and not self.redis.hlen(f"deskhand:{keys.INTAKE_HELD}")

        wait_for(rests, REST_SECONDS, "everything to come to rest", 0.2)

    def _judged(self, seconds: float) -> Conversed:
        sent = sum(len(thread.messages) for thread in self.threads)
        result = Conversed(self.count, sent, self.kills, self.refused, seconds)
        journals = {
            ticket_id: self.ledger.journal(ticket_id) for state in State for ticket_id in self.ledger.ids(state.value)
        }
        views = {thread.id: self.ledger.view(thread.id) for thread in self.threads if thread.id in journals}
        result.found = {
            "lost": [thread.id for thread in self.threads if thread.id not in journals],
            "not in one ticket": list(self._misplaced(journals)),
            "more tickets than conversations": [
                ticket_id
                for ticket_id in journals
                if ticket_id not in views and not _joined(self.ledger.view(ticket_id))
            ],
            "stale approvals": [name for name, journal in journals.items() if not _fresh(journal)],
            "decisions lost": [name for name in set(self.approved) if not _decided(self.ledger.view(name))],
            "unbalanced": [f"{name}: {what}" for name, what in self.ledger.audit().problems],
        }
        result.figures = {"states": dict(Counter(view.state.value for view in views.values()))}
        result.figures["decisions of people"] = len(self.approved)
        if self.local:
            result.figures |= self._labels(views)
        return result

    def _misplaced(self, journals: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
        where: dict[str, list[str]] = {}
        for ticket_id, journal in journals.items():
            for event in journal:
                if event["type"] == "message_added":
                    where.setdefault(event["message"]["id"], []).append(ticket_id)
        for thread in self.threads:
            for place in range(1, len(thread.messages) + 1):
                message_id = f"{thread.id}-m{place}"
                if where.get(message_id) != [thread.id]:
                    yield f"{message_id} is in {where.get(message_id, [])}"

    def _labels(self, views: dict[str, TicketView]) -> dict[str, str]:
        """What is suggested or decided at the end, and with it what the agent leans to where people must decide."""
        right = {
            thread.id: (views[thread.id].decision or {}).get("label") == thread.label
            for thread in self.threads
            if thread.id in views
        }
        stood = [right[name] for name, view in views.items() if view.state in (State.DECIDED, State.SUGGESTED)]
        return {
            "label as called for, where the agent stands by one": f"{sum(stood)} of {len(stood)}",
            "label as called for, in all": f"{sum(right.values())} of {len(right)}",
        }


def _decided(view: TicketView) -> bool:
    """Or worked anew while what was decided stands."""
    return view.state is State.DECIDED or view.stands is not None


def _joined(view: TicketView) -> bool:
    """A reply that came before what it answers, and has become a message of that."""
    return view.state is State.CLOSED and view.id.startswith("reply-")


def _fresh(journal: list[dict[str, Any]]) -> bool:
    """Whether every approval was of a suggestion that knew of all that asked for attention."""
    knows = True
    for event in journal:
        match event["type"]:
            case "suggested":
                knows = True
            case "message_added" if not event["quiet"]:
                knows = False
            case "decided" if event["action"] == "approve" and not knows:
                return False
    return True
