"""A call of the agent that waits for a person, as a ticket's row holds it and every door shows it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from tasks.run import events as ev


@dataclass(frozen=True, slots=True)
class PendingCall:
    """key: of its effect. digest: what an approval is bound to. target, does, details: the preview that its tool made.

    why: a person is asked, in words. proposed_ms, until_ms: store time; it may be approved until then. edited_by: who
    changed its arguments last, "" for nobody. version: of the tier that asked, by which evidence is counted.
    """

    key: str
    tool: str
    arguments: Mapping[str, Any]
    digest: str
    target: str
    does: str
    details: Mapping[str, str]
    why: str
    proposed_ms: int
    until_ms: int
    edited_by: str = ""
    version: str = ""

    def to_json(self) -> str:
        """As the row holds it."""
        return json.dumps(asdict(self), ensure_ascii=False)


def pending(event: ev.CallProposed, now_ms: int, wait_ms: int, version: str = "") -> PendingCall:
    """A call that was just proposed. wait_ms: how long it may be approved. version: of the tier that asks."""
    return PendingCall(
        key=event.key,
        tool=event.tool,
        arguments=dict(event.arguments),
        digest=event.digest,
        target=event.target,
        does=event.does,
        details=dict(event.details),
        why=event.why,
        proposed_ms=now_ms,
        until_ms=now_ms + wait_ms,
        version=version,
    )


def read_pending(stored: str) -> PendingCall:
    """A call from the store; what another version added is left out."""
    known = {field.name for field in fields(PendingCall)}
    return PendingCall(**{name: value for name, value in json.loads(stored).items() if name in known})
