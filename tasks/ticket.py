"""The ticket: what upstream sends, immutable, every field bounded."""

import hashlib
import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

MAX_BODY_CHARS = 60_000
REJECTED_PREFIX = "rej_"
"""Ids of unreadable messages: a ticket that took one would make such a message look as if it were kept already."""

MAX_METADATA_ENTRIES = 50
MAX_ATTACHMENTS = 50
MAX_DEADLINE_SECONDS = 30 * 24 * 3600

TicketId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$")]
Short = Annotated[str, StringConstraints(min_length=1, max_length=200)]
MetadataValue = (
    Annotated[str, StringConstraints(max_length=500)] | bool | int | Annotated[float, Field(allow_inf_nan=False)] | None
)


_WRITTEN = TypeAdapter(datetime)


def _moment(value: Any) -> Any:
    """Seconds or milliseconds since 1970 as a time, which many systems send; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return value
    try:
        if isinstance(value, str):  # behind a validator of ours pydantic no longer knows that a text came as JSON
            return _WRITTEN.validate_strings(value)
        return datetime.fromtimestamp(value / 1000 if abs(value) > MOST_SECONDS else value, UTC)
    except (ValueError, OverflowError, OSError):
        return value


def _listed(value: Any) -> Any:
    """A list of plain values as one text."""
    if isinstance(value, list) and all(isinstance(item, str | int | float | bool | None) for item in value):
        return ", ".join(str(item) for item in value if item is not None)
    return value


MOST_SECONDS = 10**11
"""A number beyond it is milliseconds: the year 5138."""

_AS_NUMBER = {"type": "number", "minimum": -62_135_596_800, "maximum": 253_402_300_799_999}
"""From the year 1, in seconds, to the end of 9999, in milliseconds: what a time can be."""

Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_moment),
    WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, _AS_NUMBER]}, mode="validation"),
]


class Priority(StrEnum):
    """How soon a person would want it, most urgent last."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Requester(BaseModel):
    """Who asks. Comes with the envelope, so tools may trust it; the model can neither read nor change `id`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Short | None = None
    email: Annotated[str, StringConstraints(max_length=320)] | None = None
    name: Short | None = None

    @property
    def identity(self) -> str | None:
        """Who asks, among those of one source; None where the envelope does not say."""
        return self.id or (self.email or "").strip().lower() or None


class Attachment(BaseModel):
    """What came with a ticket. size: in bytes; None where nobody says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Short
    type: Annotated[str, StringConstraints(max_length=200)] = "application/octet-stream"
    size: Annotated[int, Field(ge=0)] | None = None

    @property
    def shown(self) -> str:
        """`bill.pdf (application/pdf, 12 kB)`."""
        if self.size is None:
            return f"{self.name} ({self.type})"
        return f"{self.name} ({self.type}, {f'{self.size} bytes' if self.size < 1000 else f'{self.size // 1000:,} kB'})"


class Ticket(BaseModel):
    """One support request.

    id: upstream's own id; given by us on acceptance when absent. Sending it twice accepts it once.
    source: the system it comes from, e.g. "zendesk".
    subject: up to 998 characters (RFC 5322's line), may be empty when the body is not.
    body: plain text, up to 60,000 characters.
    channel: e.g. "email", "chat".
    received_at: when the requester wrote it, with a UTC offset, or seconds or milliseconds since 1970.
    deadline_seconds: after this long since acceptance an untouched ticket goes to people; None: no deadline.
    metadata: up to 50 scalar values, kept and shown, never interpreted. A list of scalars becomes one text.
    unreadable: why nothing of it could be read as text (an encrypted mail, an image alone); it goes to people as it is.
    attachments: what came with it, by name: up to 50.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: TicketId | None = None
    source: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    subject: Annotated[str, StringConstraints(max_length=998)]
    body: Annotated[str, StringConstraints(max_length=MAX_BODY_CHARS)]
    requester: Requester | None = None
    channel: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    priority: Priority | None = None
    received_at: Moment | None = None
    deadline_seconds: Annotated[int, Field(ge=1, le=MAX_DEADLINE_SECONDS)] | None = None
    metadata: Annotated[
        dict[Short, Annotated[MetadataValue, BeforeValidator(_listed)]], Field(max_length=MAX_METADATA_ENTRIES)
    ] = Field(default_factory=dict)
    unreadable: Short | None = None
    attachments: Annotated[tuple[Attachment, ...], Field(max_length=MAX_ATTACHMENTS)] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.subject.strip() and not self.body.strip():
            raise ValueError("subject and body are both empty")
        if self.id is not None and self.id.startswith(REJECTED_PREFIX):
            raise ValueError(f"ids that start with {REJECTED_PREFIX!r} are kept for what could not be read")
        return self

    @property
    def text(self) -> str:
        """Subject and body as the agent and evidence checks see them."""
        return f"{self.subject}\n\n{self.body}" if self.subject.strip() else self.body

    def canonical(self) -> str:
        """The ticket as stable JSON: what is stored and what its digest covers."""
        return _stable(self._fields())

    def digest(self) -> str:
        """SHA-256 of everything but the id: equal for a resend, different for another body under one id."""
        return self.written(None)[1]

    def written(self, ticket_id: str | None) -> tuple[str, str]:
        """(as `canonical`, under this id; its `digest`)."""
        fields = self._fields()
        fields.pop("id", None)
        digest = hashlib.sha256(_stable(fields).encode()).hexdigest()
        return _stable({"id": ticket_id, **fields}) if ticket_id else "", digest

    def _fields(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_none=True, exclude_defaults=True)


def _stable(fields: dict[str, Any]) -> str:
    return json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def read_stored(body: str) -> Ticket:
    """A ticket from the store, valid when accepted. What another version added is left out, never refused."""
    fields: dict[str, Any] = {name: value for name, value in json.loads(body).items() if name in Ticket.model_fields}
    try:
        return Ticket.model_validate(fields)
    except ValidationError:  # another version's bounds: still the ticket that was accepted
        kept: dict[str, Any] = {name: str(fields.get(name, "")) for name in ("id", "source", "subject", "body")}
        return Ticket.model_construct(**kept)
