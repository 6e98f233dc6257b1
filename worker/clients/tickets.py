"""A ticket as it is sent."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, Required, TypedDict

from .errors import NotATicket


class Requester(TypedDict, total=False):
    """Who asks."""

    id: str
    email: str
    name: str


class Attachment(TypedDict, total=False):
    """What came with a ticket. type: such as "application/pdf". size: in bytes."""

    name: Required[str]
    type: str
    size: int


class Ticket(TypedDict, total=False):
    """One support request.

    id: your own id; sending it twice accepts it once. source: the system it comes from, e.g. "shop". subject, body:
    one of them may be empty. priority: low, normal, high or urgent. received_at: RFC 3339 with a UTC offset.
    deadline_seconds: after this long an untouched ticket goes to people. metadata: up to 50 scalar values.
    unreadable: why nothing of it can be read as text; it goes to people as it is. attachments: by name, up to 50.
    """

    id: str
    source: Required[str]
    subject: Required[str]
    body: Required[str]
    requester: Requester
    channel: str
    priority: str
    received_at: str
    deadline_seconds: int
    metadata: Mapping[str, str | int | float | bool | None]
    unreadable: str
    attachments: Sequence[Attachment]


class Model(Protocol):
    """A pydantic model with the fields of a ticket."""

    def model_dump(self, *, mode: str, exclude_none: bool) -> dict[str, Any]: ...


AnyTicket = Ticket | Mapping[str, Any] | Model


def fields_of(ticket: AnyTicket) -> dict[str, Any]:
    """What is sent."""
    return dict(ticket) if isinstance(ticket, Mapping) else ticket.model_dump(mode="json", exclude_none=True)


def checked(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields, where nobody answers the sender. Raises `NotATicket` for what no worker could read as a ticket."""
    if errors := list(_faults(fields)):
        raise NotATicket(errors)
    return fields


def _faults(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    texts = [fields.get(name) for name in ("source", "subject", "body")]
    for name in sorted(Ticket.__required_keys__):
        if not isinstance(fields.get(name), str):
            yield f"/{name}", "a text is required"
    for name in sorted(map(str, fields.keys() - Ticket.__annotations__.keys())):
        yield f"/{name}", "there is no such field"
    if all(isinstance(text, str) for text in texts) and not "".join(map(str, texts[1:])).strip():
        yield "", "subject and body are both empty"
    try:
        json.dumps(fields, allow_nan=False)
    except (TypeError, ValueError) as error:
        yield "", f"cannot be sent as JSON: {error}"
