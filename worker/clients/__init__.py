"""Deskhand for upstream systems: put tickets on its queue and learn what became of them.

with DeskhandClient("http://127.0.0.1:8080", api_key) as deskhand:
    accepted = deskhand.accept({"source": "shop", "subject": "", "body": "My card has not arrived"})
    print(deskhand.wait(accepted.id, 60).decision)

This folder is also built alone, as the wheel `deskhand-client` with the package `deskhand_client`: it imports nothing
of the server's, and its own modules by relative imports only.
"""

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
from .http_client import DeskhandClient
from .http_sharded import ShardedClient
from .shards import ranked, shard_of
from .tickets import AnyTicket, Requester, Ticket

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
    "ShardedClient",
    "State",
    "Ticket",
    "TicketDocument",
    "Unreachable",
    "Usage",
    "ranked",
    "shard_of",
]
