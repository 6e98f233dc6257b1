"""The campaign's tickets, brought in by every door at once, some twice, some out of order, with forgeries between."""

import json
import queue
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from fallbacks.errors import StoreUnreachable
from tests.chaos.doors import REFUSALS, Door
from tests.chaos.fleet import FleetLedger
from tests.chaos.lasting import last
from tests.worker.queue.poison import bad_envelopes, envelope

KILLER = "this text kills the worker that reads it"
URGENT = "tell the duty team"
TEXTS = (
    "My card has not arrived yet, it was ordered two weeks ago.",
    "I was charged twice for the same payment, please refund one of them.",
    "My top up failed but the money left my bank account.",
    f"Somebody stole my phone and uses my card right now, {URGENT}.",
    "How long does a transfer from abroad take?",
)
DOORS = ("ledger", "ledger", "ledger", "unhinted", "celery", "intake")
PATIENCE_SECONDS = 120.0


class Load:
    """accepted: ids that were taken from their sender. bad: unreadable messages that were."""

    def __init__(self, ledger: FleetLedger, door: Door, tickets: int, seed: int) -> None:
        self.ledger = ledger
        self._door = door
        self._rng = random.Random(seed)
        bad = bad_envelopes("tasks.triage", "tickets")
        self._poison = [raw for name, raw in bad.items() if name not in door.unsayable]
        self.waiting = [self._ticket(number) for number in range(tickets)]
        self.accepted: list[str] = []
        self.killers = [t["id"] for t in self.waiting if KILLER in t["body"]]
        self.bad: list[bytes] = []
        self._orders: queue.SimpleQueue[int | list[dict[str, Any]] | None] = queue.SimpleQueue()

    def bring(self, count: int) -> None:
        """The next tickets. Each is sent until its door has taken it, as a sender that keeps its word would."""
        group, self.waiting = self.waiting[:count], self.waiting[count:]
        self._rng.shuffle(group)
        self._bring(group)

    def order(self, what: int | list[dict[str, Any]]) -> None:
        """Let so many of those that wait come in, or these, by the thread of `brought`."""
        self._orders.put(what)

    @contextmanager
    def brought(self) -> Iterator[None]:
        """Orders are carried out by a thread of their own; on leaving, all that still waits comes in."""
        failures: list[BaseException] = []

        def carry_out() -> None:
            try:
                while (what := self._orders.get()) is not None:
                    self.bring(what) if isinstance(what, int) else self._bring(what)
                self.bring(len(self.waiting))
            except BaseException as failure:  # raised by the main thread
                failures.append(failure)

        bringing = threading.Thread(target=carry_out, name="load", daemon=True)
        bringing.start()
        yield
        self._orders.put(None)
        bringing.join()
        if failures:
            raise failures[0]

    def _bring(self, group: list[dict[str, Any]]) -> None:
        for ticket in group:
            door = self._rng.choice(DOORS)
            self._until_taken(lambda ticket=ticket, door=door: self._send(ticket, door))  # type: ignore[misc]
            self.accepted.append(ticket["id"])
            if self._rng.random() < 0.1:
                self._forge()

    def _ticket(self, number: int) -> dict[str, Any]:
        body = self._rng.choice(TEXTS)
        if number % 400 == 7:
            body = f"{body} And {KILLER}."
        return {"id": f"c{number}", "source": "chaos", "subject": f"Question {number}", "body": body}

    def _send(self, ticket: dict[str, Any], door: str) -> None:
        if door in ("ledger", "unhinted"):
            self.ledger.accept(ticket, publish=False)
            if door == "ledger":
                self._hint(ticket["id"])
        elif door == "celery":
            raw = json.dumps(envelope("tasks.triage", "tickets", body=json.dumps([[], {"ticket": ticket}, None])))
            self._push("tickets", raw.encode())
        else:
            self._push("intake", json.dumps(ticket, ensure_ascii=False).encode())  # escaped, some have too much

    def _hint(self, ticket_id: str) -> None:
        """Sometimes twice: a hint is only a hint."""
        body = json.dumps([[], {"ticket_id": ticket_id}, None])
        for _ in range(2 if self._rng.random() < 0.2 else 1):
            try:
                self._push("tickets", json.dumps(envelope("tasks.triage", "tickets", body=body)).encode())
            except REFUSALS:
                return  # the sweep finds it

    def _push(self, queue: str, raw: bytes) -> None:
        """At either end: order is nothing to rely on."""
        self._door.push(queue, raw, first=self._rng.random() >= 0.7)

    def _forge(self) -> None:
        """What nobody should have sent: unknown and known ids, wrong tasks for them, and unreadable messages."""
        known = self._rng.choice(self.accepted)
        forged = [
            envelope("tasks.triage", "tickets", body=json.dumps([[], {"ticket_id": "nobody"}, None])),
            envelope("tasks.triage", "tickets", body=json.dumps([[], {"ticket_id": known}, None])),
            envelope("tasks.hand_off", "handoff", body=json.dumps([[known], {}, None])),
        ]
        message = self._rng.choice(forged)
        queue = "handoff" if message["headers"]["task"].endswith("hand_off") else "tickets"
        self._until_taken(lambda: self._push(queue, json.dumps(message).encode()))
        if self._poison and self._rng.random() < 0.3:
            raw = self._poison.pop()
            self._until_taken(lambda: self._push("tickets", raw))
            self.bad.append(raw)

    def _until_taken(self, send: Any) -> None:
        ends = monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return send()
            except (StoreUnreachable, *REFUSALS):
                if monotonic() > ends:
                    raise
                last(0.1)
