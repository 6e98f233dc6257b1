"""What happened to a ticket by people: by who decides, and by who wrote in. Part of `tasks.run.events`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from tasks.run.event import Event


@dataclass(frozen=True, slots=True)
class PersonActed(Event):
    """A person did something that changes no state of the run: claim, release, snooze, note, undo, dismiss."""

    type: ClassVar[str] = "person_acted"
    by: str = ""
    action: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Resumed(Event):
    """A person sent it back to the agent. hint: for the model. from_step: 0 keeps the whole conversation."""

    type: ClassVar[str] = "resumed"
    by: str = ""
    hint: str = ""
    from_step: int = 0


@dataclass(frozen=True, slots=True)
class MessageAdded(Event):
    """Something was added to the ticket. message: see `tasks.conversation.Message`. quiet: why it changes nothing.

    door: what it came by.
    """

    type: ClassVar[str] = "message_added"
    message: Mapping[str, Any] | None = None
    quiet: str = ""
    door: str = ""


@dataclass(frozen=True, slots=True)
class Reopened(Event):
    """What a message made stale was withdrawn, and the ticket is worked again. message: its id. state: it was in.

    stands: the decision that stands meanwhile, in words; "" for none.
    """

    type: ClassVar[str] = "reopened"
    message: str = ""
    state: str = ""
    stands: str = ""


@dataclass(frozen=True, slots=True)
class Upheld(Event):
    """With what was added in view, the decision that stood stands: there is nothing to send. by: "agent", which came to
    the same, or a person, who closed what was added. kind: as what, "" of the agent's.
    """

    type: ClassVar[str] = "upheld"
    by: str = "agent"
    kind: str = ""
    decision: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class TextsErased(Event):
    """Texts of events before this one were erased, by somebody's wish; each of them names the receipt.

    head: over the digests that the events before had; left: over what is left of them, see `fallbacks.history.chain`.
    """

    type: ClassVar[str] = "texts_erased"
    by: str = ""
    receipt: str = ""
    head: str = ""
    left: str = ""
