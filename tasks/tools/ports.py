"""What the tools need from the outside. Edges implement these; tests use real classes on the same ports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Article:
    """One knowledge base hit. excerpt: the part that matched, at most a few hundred characters."""

    title: str
    path: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer record, least privilege: what routing needs and no more.

    tier: e.g. "standard", "vip". flags: e.g. ("chargeback_open",).
    """

    id: str
    name: str
    tier: str
    country: str
    since: str
    flags: tuple[str, ...] = ()
    email: str = ""


@dataclass(frozen=True, slots=True)
class PastTicket:
    """An earlier ticket. facets: of the decision that stands, as its process names them; empty while undecided."""

    id: str
    text: str
    facets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AttachmentText:
    """The text in an attached file. note: what was left out, in words; "" for nothing."""

    text: str
    note: str = ""


class AttachmentTexts(Protocol):
    async def attachment_texts(self, ticket_id: str) -> Mapping[int, AttachmentText]:
        """The texts of a ticket's attachments, by their places, from 1. One without text is missing."""
        ...


class KnowledgeBase(Protocol):
    async def search(self, query: str, limit: int) -> list[Article]:
        """Best matches first; empty when nothing matches."""
        ...


class CustomerDirectory(Protocol):
    async def get(self, customer_id: str) -> Customer | None:
        """The record, or None for an unknown customer. Raises `ToolError` when the directory cannot answer."""
        ...

    async def find(self, email: str) -> Customer | None:
        """The one record with this address, in lower case; None where none or several have it. Raises `ToolError`."""
        ...


class TicketHistory(Protocol):
    async def recent(self, requester_id: str, limit: int) -> list[PastTicket]:
        """The requester's own last tickets, newest first."""
        ...

    async def similar(self, text: str, limit: int) -> list[PastTicket]:
        """Decided tickets most like this text, best first."""
        ...


class TeamNotifier(Protocol):
    async def notify(self, *, key: str, ticket_id: str, urgency: str, note: str) -> str:
        """Alert the team to a ticket, once for each key however often it is asked. Returns who was alerted.

        Raises `ToolError` when it is not known whether the team was alerted; asking again under the same key is safe.
        """
        ...
