"""Events of a call that waits for a person: see `tasks.run.approval`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tasks.run.event import Event


@dataclass(frozen=True, slots=True)
class CallProposed(Event):
    """The agent wants to do something that a person must approve. key: of its effect. target, does, details: the
    preview.

    why: a person is asked, in words.
    """

    type: ClassVar[str] = "call_proposed"
    step: int = 0
    tool_call_id: str = ""
    key: str = ""
    tool: str = ""
    arguments: Any = None
    digest: str = ""
    target: str = ""
    does: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True, slots=True)
class CallEdited(Event):
    """A person changed its arguments: another digest, which needs an approval of its own."""

    type: ClassVar[str] = "call_edited"
    by: str = ""
    key: str = ""
    arguments: Any = None
    digest: str = ""


@dataclass(frozen=True, slots=True)
class CallApproved(Event):
    """A person lets exactly this call happen, once. until_ms: store time until when it may be begun."""

    type: ClassVar[str] = "call_approved"
    by: str = ""
    key: str = ""
    digest: str = ""
    until_ms: int = 0


@dataclass(frozen=True, slots=True)
class CallRejected(Event):
    """A person does not want it. why: in their words; the model reads them."""

    type: ClassVar[str] = "call_rejected"
    by: str = ""
    key: str = ""
    digest: str = ""
    why: str = ""
