"""Deskhand for upstream systems: put tickets on its queue and learn what became of them.

with DeskhandClient("http://127.0.0.1:8080", api_key) as deskhand:
    accepted = deskhand.accept({"source": "shop", "subject": "", "body": "My card has not arrived"})
    print(deskhand.wait(accepted.id, 60).decision)

This folder is also built alone, as the wheel `deskhand-client` with the package `deskhand_client`: it imports nothing
of the server's, and its own modules by relative imports only.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .celery_client import CeleryClient
from .documents import (
    IN_WORK,
    AcceptedDocument,
    AddedDocument,
    Decision,
    EventDocument,
    FoundTicket,
    Limits,
    ReceiptDocument,
    State,
    TicketDocument,
    Usage,
)
from .errors import (
    Busy,
    ClientError,
    Conflict,
    InvalidRequest,
    KeyRefused,
    NoSuchTicket,
    NotATicket,
    ProblemError,
    Unreachable,
)
from .tickets import AnyTicket, Requester, Ticket

if TYPE_CHECKING:
    from .http_client import DeskhandClient

_OVER_HTTP = {"DeskhandClient": "http_client"}
"""httpx takes long to import, and who only puts messages on a queue does not need it."""


def __getattr__(name: str) -> Any:
    if name not in _OVER_HTTP:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_OVER_HTTP[name]}", __name__), name)


__all__ = [
    "IN_WORK",
    "AcceptedDocument",
    "AddedDocument",
    "AnyTicket",
    "Busy",
    "CeleryClient",
    "ClientError",
    "Conflict",
    "Decision",
    "DeskhandClient",
    "EventDocument",
    "FoundTicket",
    "InvalidRequest",
    "KeyRefused",
    "Limits",
    "NoSuchTicket",
    "NotATicket",
    "ProblemError",
    "ReceiptDocument",
    "Requester",
    "State",
    "Ticket",
    "TicketDocument",
    "Unreachable",
    "Usage",
]
