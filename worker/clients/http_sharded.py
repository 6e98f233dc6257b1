"""Several Deskhands as one: `ShardedClient` sends each ticket to the one that it belongs to, and asks it there.

with ShardedClient(["http://desk-1:8080", "http://desk-2:8080"], api_key) as deskhand:
    accepted = deskhand.accept({"source": "shop", "subject": "", "body": "My card has not arrived"})
    print(deskhand.wait(accepted.id, 60).decision)
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from hashlib import sha256
from heapq import merge
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import uuid4

from .documents import AcceptedDocument, AddedDocument, EventDocument, FoundTicket, ReceiptDocument, TicketDocument
from .errors import ClientError, NoSuchTicket
from .http_client import DeskhandClient
from .shards import ranked, shard_of
from .tickets import AnyTicket, fields_of

T = TypeVar("T")
Result = AcceptedDocument | ClientError


class ShardedClient:
    """`DeskhandClient` over shards, each a whole Deskhand with a ledger of its own. Raises what that one raises.

    addresses: base URLs; they are the shards' names, so keep them when a machine changes. before: the addresses until
    the last change of them, for as long as producers may send again what they sent before it; it stays accepted once.
    options: of every `DeskhandClient`.
    """

    def __init__(
        self, addresses: Sequence[str], api_key: str | None = None, *, before: Sequence[str] = (), **options: Any
    ) -> None:
        if not addresses:
            raise ValueError("a sharded client needs at least one address")
        self._addresses, self._before = _named(addresses), _named(before)
        self._all = list(dict.fromkeys((*self._addresses, *self._before)))
        self._clients = {address: DeskhandClient(address, api_key, **options) for address in self._all}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        with ExitStack() as closing:
            for client in self._clients.values():
                closing.callback(client.close)

    def accept(self, ticket: AnyTicket, *, idempotency_key: str | None = None) -> AcceptedDocument:
        """Put a ticket on the queue of its shard. One without an id gets it here, from the key where there is one."""
        fields = _with_id(ticket, idempotency_key)
        return self._clients[self.home(fields["id"])].accept(fields, idempotency_key=idempotency_key)

    def accept_many(self, tickets: Iterable[AnyTicket], *, idempotency_key: str | None = None) -> list[Result]:
        """Put many on the queues, shards side by side. A result for each, in order: accepted, or why not.

        A shard that cannot be reached refuses its own tickets with `Unreachable`, and no others.
        """
        key = idempotency_key or uuid4().hex
        named = [_with_id(ticket, f"{key}.{number}") for number, ticket in enumerate(tickets)]
        groups = defaultdict[str, list[int]](list)
        results: dict[int, Result] = {}
        for number, fields in enumerate(named):
            try:
                groups[self.home(fields["id"])].append(number)
            except ClientError as error:
                results[number] = error
        with ThreadPoolExecutor(len(self._all)) as threads:
            parts = ([named[number] for number in numbers] for numbers in groups.values())
            for numbers, answers in zip(groups.values(), threads.map(self._sent, groups, parts), strict=True):
                results |= zip(numbers, answers, strict=True)
        return [results[number] for number in range(len(named))]

    def get(self, ticket_id: str) -> TicketDocument:
        """A ticket as it is now."""
        return self.find(ticket_id)[1]

    def find(self, ticket_id: str) -> tuple[str, TicketDocument]:
        """(address of the shard that has a ticket, the ticket)."""
        return self._asked(ticket_id, lambda client: client.get(ticket_id))

    def wait(self, ticket_id: str, within_seconds: float | None = None) -> TicketDocument:
        """As `DeskhandClient.wait`."""
        return self._asked(ticket_id, lambda client: client.wait(ticket_id, within_seconds))[1]

    def events(self, ticket_id: str, after: int = -1) -> Iterator[EventDocument]:
        """As `DeskhandClient.events`."""
        return self._clients[self.find(ticket_id)[0]].events(ticket_id, after)

    def search(self, words: str = "", **filters: Any) -> Iterator[FoundTicket]:
        """As `DeskhandClient.search`, over all shards."""
        pages = (client.search(words, **filters) for client in self._clients.values())
        return merge(*pages, key=lambda found: (found.accepted_at, found.id), reverse=True)

    def cancel(self, ticket_id: str) -> TicketDocument | AcceptedDocument:
        """As `DeskhandClient.cancel`."""
        return self._asked(ticket_id, lambda client: client.cancel(ticket_id))[1]

    def add_message(self, ticket_id: str, body: str, **message: Any) -> AddedDocument:
        """As `DeskhandClient.add_message`."""
        named = {**message, "message_id": message.get("message_id") or f"msg_{uuid4().hex}"}
        return self._asked(ticket_id, lambda client: client.add_message(ticket_id, body, **named))[1]

    def close_ticket(
        self, ticket_id: str, version: int, kind: str, *, of: str | None = None
    ) -> TicketDocument | AcceptedDocument:
        """As `DeskhandClient.close_ticket`; `of` is a ticket of the same shard."""
        return self._asked(ticket_id, lambda client: client.close_ticket(ticket_id, version, kind, of=of))[1]

    def correct(self, ticket_id: str, version: int, reason: str, **decision: Any) -> TicketDocument | AcceptedDocument:
        """As `DeskhandClient.correct`."""
        return self._asked(ticket_id, lambda client: client.correct(ticket_id, version, reason, **decision))[1]

    def approve_call(self, ticket_id: str, version: int, digest: str) -> TicketDocument | AcceptedDocument:
        """As `DeskhandClient.approve_call`."""
        return self._asked(ticket_id, lambda client: client.approve_call(ticket_id, version, digest))[1]

    def edit_call(
        self, ticket_id: str, version: int, digest: str, arguments: Mapping[str, Any]
    ) -> TicketDocument | AcceptedDocument:
        """As `DeskhandClient.edit_call`."""
        return self._asked(ticket_id, lambda client: client.edit_call(ticket_id, version, digest, arguments))[1]

    def reject_call(self, ticket_id: str, version: int, digest: str, reason: str) -> TicketDocument | AcceptedDocument:
        """As `DeskhandClient.reject_call`."""
        return self._asked(ticket_id, lambda client: client.reject_call(ticket_id, version, digest, reason))[1]

    def erase(self, *, requester: str | None = None, ticket_id: str | None = None) -> list[ReceiptDocument]:
        """As `DeskhandClient.erase`, at every shard that has something of it: a receipt of each."""
        receipts: list[ReceiptDocument] = []
        for client in self._clients.values():
            with suppress(NoSuchTicket):
                receipts.append(client.erase(requester=requester, ticket_id=ticket_id))
        return receipts

    def home(self, ticket_id: str) -> str:
        """The address a ticket goes to: its shard's, or where it was accepted before the shards changed."""
        home = shard_of(ticket_id, self._addresses)
        was = shard_of(ticket_id, self._before) if self._before else home
        return was if was != home and self._knows(was, ticket_id) else home

    def _knows(self, address: str, ticket_id: str) -> bool:
        try:
            self._clients[address].get(ticket_id)
        except NoSuchTicket:
            return False
        return True

    def _asked(self, ticket_id: str, question: Callable[[DeskhandClient], T]) -> tuple[str, T]:
        """Ask its shard first, and then the others: it may have been accepted when there were fewer."""
        *earlier, last = ranked(ticket_id, self._all)
        for address in earlier:
            try:
                return address, question(self._clients[address])
            except NoSuchTicket:
                continue
        return last, question(self._clients[last])

    def _sent(self, address: str, tickets: Sequence[AnyTicket]) -> Sequence[Result]:
        """Under their own ids: a key of the batch would go by place, and places differ where a shard was away."""
        try:
            return self._clients[address].accept_many(tickets)
        except ClientError as error:
            return [error] * len(tickets)


def _named(addresses: Sequence[str]) -> list[str]:
    """Without a slash at the end, so that one shard has one name."""
    return list(dict.fromkeys(address.rstrip("/") for address in addresses))


def _with_id(ticket: AnyTicket, key: str | None) -> dict[str, Any]:
    """The shard is found by the id, so it must be known before; one key makes one id, of one source: two producers
    may both have an `order-7`.
    """
    fields = fields_of(ticket)
    made = sha256(f"{fields.get('source')}\n{key}".encode(errors="replace")).hexdigest()[:32] if key else uuid4().hex
    return fields if fields.get("id") else {**fields, "id": f"tkt_{made}"}
