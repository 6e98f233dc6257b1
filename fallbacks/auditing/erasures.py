"""Follows the events of each ticket through a journal for auditors, and holds erased ones against their receipts."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fallbacks.auditing.lines import Kind
from fallbacks.history.chain import TEXTS_ERASED, content_digest, erased_of, event_digest, head_of
from fallbacks.history.receipts import Receipt, mark_of, read_receipt

_EVENT = b',"event":'


class Erasures:
    """events: erased ones so far. sealed: whether a seal is by a key that counts."""

    def __init__(self, sealed: Callable[[bytes, str], bool]) -> None:
        self.events = 0
        self._sealed = sealed
        self._ticket: Mapping[str, Any] = {}
        self._digests: list[bytes] = []
        self._left: list[bytes] = []
        self._open: set[str] = set()
        self._marks: dict[str, list[tuple[str, str]]] = {}
        self._receipts: dict[str, Receipt] = {}

    def take(self, kind: Kind, said: Mapping[str, Any], body: bytes) -> Iterator[str]:
        """What is wrong with a line's place among those of its ticket."""
        if kind is not Kind.EVENT:
            yield from self._finish()
        if kind is Kind.TICKET:
            self._ticket, self._digests, self._left, self._open = said, [], [], set()
        elif kind is Kind.EVENT:
            yield from self._event(said, body[body.find(_EVENT) + len(_EVENT) :].decode("utf-8", "replace"))
        elif kind is Kind.RECEIPT:
            yield from self._receipt(said)

    def ended(self) -> Iterator[str]:
        """What is wrong with receipts."""
        for receipt_id, marks in self._marks.items():
            receipt = self._receipts.get(receipt_id)
            if receipt is None:
                yield f"events are erased by the receipt {receipt_id}, which is not in the file"
                continue
            yield from (
                f"the receipt {receipt_id} says nothing of ticket {ticket_id}, whose events name it"
                for ticket_id, mark in marks
                if mark not in receipt.tickets
            )

    def _event(self, said: Mapping[str, Any], stored: str) -> Iterator[str]:
        if said.get("ticket") != self._ticket.get("id") or said.get("seq") != len(self._digests):
            yield f"is no event that follows here, {said.get('ticket')!r} {said.get('seq')}"
        try:
            erased, what = erased_of(stored), json.loads(stored)
            digest = event_digest(stored)
        except ValueError:
            return  # its hash says so, too
        if what.get("type") == TEXTS_ERASED:
            yield from self._closed(what)
        elif erased:
            self.events += 1
            self._open.add(erased["receipt"])
        self._digests.append(digest)
        self._left.append(content_digest(stored))

    def _closed(self, event: Mapping[str, Any]) -> Iterator[str]:
        ticket_id, receipt_id = str(self._ticket.get("id")), str(event.get("receipt"))
        head, left = head_of(ticket_id, self._digests), head_of(ticket_id, self._left)
        if (event.get("head"), event.get("left")) != (head, left):
            yield f"an event of ticket {ticket_id} was changed after its texts were erased"
        self._open.discard(receipt_id)
        self._marks.setdefault(receipt_id, []).append((ticket_id, mark_of(ticket_id, receipt_id, head, left)))

    def _finish(self) -> Iterator[str]:
        """At the end of a ticket's events."""
        if not self._ticket:
            return
        ticket_id, said = str(self._ticket.get("id")), (self._ticket.get("events"), self._ticket.get("head"))
        if said != (len(self._digests), head_of(ticket_id, self._digests)):
            yield f"before this line, the events of ticket {ticket_id} are not those that were counted"
        if self._open:
            yield f"before this line, events of ticket {ticket_id} are erased and nothing says by whom"
        self._ticket = {}

    def _receipt(self, said: Mapping[str, Any]) -> Iterator[str]:
        try:
            receipt = read_receipt(said["receipt"])
        except (KeyError, TypeError):
            yield "is no receipt"
            return
        if not self._sealed(receipt.sealed_part(), receipt.seal):
            yield f"the receipt {receipt.id} is sealed by none of the keys that count"
        self._receipts[receipt.id] = receipt
