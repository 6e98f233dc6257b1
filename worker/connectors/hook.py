"""One helpdesk's webhook: how its calls prove themselves, which are tickets, and what it receives of their outcomes."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from fallbacks.delivery.outcomes import Outcome
from tasks.conversation import Message
from tasks.ticket import MAX_BODY_CHARS, MAX_METADATA_ENTRIES, Ticket
from worker.connectors.errors import UnmappedError
from worker.connectors.field_map import Condition, Pick, as_text, places_of
from worker.connectors.proofs import Signature, Token
from worker.intake.json_bytes import repaired
from worker.queue.envelope import too_deep

NAME = r"^[a-z0-9][a-z0-9-]{0,39}$"
CUT = "\n[cut: the text goes on]"
UNREAD_DATE = "received_at_unread"
"""Where a date that cannot be read is kept."""

RECEIVER = "hook"
"""The receiver's name in the outbox is this and the hook's: `hook:zendesk`."""

_STRICT = ConfigDict(frozen=True, extra="forbid")
_ODD = re.compile(r"[^A-Za-z0-9._:@-]")


class TicketMap(BaseModel):
    """Where the fields of a ticket come from. id: the helpdesk's own, known as `hook:id` here."""

    model_config = _STRICT

    id: Pick
    subject: Pick = Pick()
    body: Pick = Pick()
    requester_id: Pick = Pick()
    requester_email: Pick = Pick()
    requester_name: Pick = Pick()
    channel: Pick = Pick()
    priority: Pick = Pick()
    received_at: Pick = Pick()
    metadata: Annotated[dict[str, Pick], Field(max_length=MAX_METADATA_ENTRIES)] = Field(default_factory=dict)


class CommentMap(BaseModel):
    """Where the fields of a message come from, in calls for which every condition of `when` holds; the ticket's own
    `when` is not asked then. own: any of these holds for what we wrote ourselves, which is passed by. id: the
    helpdesk's own of the comment, or of the change; ticket_id: of the ticket, as its map has it.
    """

    model_config = _STRICT

    when: Annotated[list[Condition], Field(min_length=1)]
    own: list[Condition] = Field(default_factory=list)
    id: Pick
    ticket_id: Pick
    body: Pick
    author_id: Pick = Pick()
    author_email: Pick = Pick()
    author_name: Pick = Pick()
    received_at: Pick = Pick()


class Update(BaseModel):
    """The call that reports to the helpdesk. `{data.decision.label}`, `{ticket.metadata.x}`, `{event}` and
    `{webhook_id}` are filled in, and `{env.NAME}` in headers. The host of the URL is fixed."""

    model_config = _STRICT

    events: Annotated[list[Outcome], Field(min_length=1)]
    method: Literal["POST", "PUT", "PATCH"] = "POST"
    url: str
    headers: Mapping[str, str] = Field(default_factory=dict)
    body: Any = None

    @model_validator(mode="after")
    def _fixed_host(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or places_of(parts.netloc):
            raise ValueError("url: an http or https URL whose host has no placeholder")
        return self


@dataclass(frozen=True, slots=True)
class Comment:
    """A message for a ticket of the helpdesk's. own: we wrote it ourselves."""

    ticket_id: str
    message: Message
    own: bool


class Hook(BaseModel):
    """A field map. Exactly one of signature and token. when: every condition must hold, else the call is ignored.
    changes: what was changed in a ticket, which is a message of it, too.
    """

    model_config = _STRICT

    name: Annotated[str, Field(pattern=NAME)]
    signature: Signature | None = None
    token: Token | None = None
    when: list[Condition] = Field(default_factory=list)
    ticket: TicketMap
    comment: CommentMap | None = None
    changes: list[CommentMap] = Field(default_factory=list)
    outcomes: list[Update] = Field(default_factory=list)
    secrets: Mapping[str, str] = Field(default_factory=dict, exclude=True, repr=False)

    @model_validator(mode="after")
    def _proves_itself(self) -> Self:
        if (self.signature is None) == (self.token is None):
            raise ValueError("exactly one of signature and token: a hook is open to everybody who can reach it")
        return self

    @property
    def needed(self) -> set[str]:
        """The environment variables it reads."""
        names = {proof.secret_env for proof in (self.signature, self.token) if proof}
        texts = [value for update in self.outcomes for value in update.headers.values()]
        return names | {place[4:] for text in texts for place in places_of(text) if place.startswith("env.")}

    def check(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """Whether this call comes from where it says. headers: names in lower case. Raises `HookRefusedError`."""
        proof = self.signature or self.token
        assert proof is not None  # noqa: S101 - validated
        proof.check(self.secrets[proof.secret_env], headers, body, now)

    def ticket_of(self, body: bytes, headers: Mapping[str, str] | None = None) -> Ticket | None:
        """The ticket in a call, or None where it is about something else. headers: names in lower case. Raises
        `UnmappedError`.
        """
        document = _document(body)
        if not all(condition.holds(document, headers or {}) for condition in self.when):
            return None
        try:
            return Ticket.model_validate(self._fields(document))
        except ValidationError as error:
            raise UnmappedError(_faults(error, "ticket")) from None

    def comment_of(self, body: bytes, headers: Mapping[str, str] | None = None) -> Comment | None:
        """The comment or the change in a call, or None where it is about something else. Raises `UnmappedError`."""
        document, given = _document(body), headers or {}
        for fields in (*([self.comment] if self.comment else []), *self.changes):
            if all(condition.holds(document, given) for condition in fields.when):
                return self._comment(fields, document, given)
        return None

    def _comment(self, fields: CommentMap, document: dict[str, Any], headers: Mapping[str, str]) -> Comment:
        own = any(condition.holds(document, headers) for condition in fields.own)
        author = _person(document, fields.author_id, fields.author_email, fields.author_name)
        found = {
            "id": self._known(fields.id, document),
            "body": _text(fields.body, document, MAX_BODY_CHARS) or "",
            "author": author or None,
            "other": self._is_other(author, document) or None,
            "received_at": _received(fields.received_at.of(document)),
        }
        try:
            message = Message.model_validate({name: value for name, value in found.items() if value is not None})
        except ValidationError as error:
            raise UnmappedError(_faults(error, "comment")) from None
        return Comment(self._known(fields.ticket_id, document), message, own)

    def _is_other(self, author: Mapping[str, str], document: Any) -> bool:
        """Whether both are known, as of GitHub and Zendesk, and differ: staff, or somebody who has the same trouble."""
        requester = _text(self.ticket.requester_id, document, 200)
        return bool(requester and author.get("id")) and requester != author["id"]

    def _known(self, pick: Pick, document: Any) -> str:
        """The helpdesk's own id, as it is known here. Raises `UnmappedError`."""
        external = as_text(pick.of(document))
        if not external:
            raise UnmappedError(f"id: nothing at {pick.path}")
        return f"{self.name}:{_safe(external, 127 - len(self.name))}"

    def update_for(self, outcome: Outcome) -> Update | None:
        """The first call that reports this outcome."""
        return next((update for update in self.outcomes if outcome in update.events), None)

    def _fields(self, document: Any) -> dict[str, Any]:
        fields = self.ticket
        requester = _person(document, fields.requester_id, fields.requester_email, fields.requester_name)
        found: dict[str, Any] = {
            "id": self._known(fields.id, document),
            "source": self.name,
            "subject": _text(fields.subject, document, 998) or "",
            "body": _text(fields.body, document, MAX_BODY_CHARS) or "",
            "requester": requester or None,
            "channel": _text(fields.channel, document, 64),
            "priority": _text(fields.priority, document, 64),
            "received_at": _received(at := fields.received_at.of(document)),
            "metadata": {name: _scalar(pick.of(document)) for name, pick in fields.metadata.items()},
        }
        if found["received_at"] is None and at is not None:
            found["metadata"] = {**found["metadata"], UNREAD_DATE: as_text(at)[:500]}
        return {name: value for name, value in found.items() if value is not None}


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(repaired(body))
    except (ValueError, RecursionError):
        raise UnmappedError("the body is not JSON") from None
    if not isinstance(document, dict):
        raise UnmappedError("the body is not a JSON object")
    if too_deep(document):
        raise UnmappedError("the body is nested too deeply")
    return document


def _person(document: Any, id_: Pick, email: Pick, name: Pick) -> dict[str, str]:
    picks = (("id", id_, 200), ("email", email, 320), ("name", name, 200))
    found = {part: _text(pick, document, most) for part, pick, most in picks}
    return {part: value for part, value in found.items() if value}


def _faults(error: ValidationError, what: str) -> str:
    return "; ".join(f"{'.'.join(map(str, fault['loc'])) or what}: {fault['msg']}" for fault in error.errors())


def door_of(name: str) -> str:
    """The door of the tickets that come by this hook, as their rows keep it."""
    return f"{RECEIVER}:{name}"


def receivers_of(hooks: Mapping[str, Hook], door: str, outcome: Outcome) -> list[str]:
    """The receivers that want to know this outcome: the hook its ticket came by, or none."""
    kind, _, name = door.partition(":")
    hook = hooks.get(name) if kind == RECEIVER else None
    return [door_of(name)] if hook and hook.update_for(outcome) else []


def _received(value: Any) -> Any:
    """A time that a ticket can hold, in UTC where it names no offset; None for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    try:
        at = datetime.fromisoformat(as_text(value).strip())
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _text(pick: Pick, document: Any, most: int) -> str | None:
    text = as_text(pick.of(document)).replace("\0", "").strip()
    if most == MAX_BODY_CHARS and len(text) > most:
        return text[: most - len(CUT)] + CUT
    return text[:most].strip() or None


def _scalar(value: Any) -> Any:
    return value if isinstance(value, bool | int | float) else as_text(value)[:500] or None


def _safe(external: str, most: int) -> str:
    """An id's characters; what is changed or cut keeps its own digest, so that two never become one."""
    plain = _ODD.sub("-", external)
    if plain == external and len(plain) <= most:
        return plain
    return f"{plain[: most - 17]}-{sha256(external.encode('utf-8', 'replace')).hexdigest()[:16]}"
