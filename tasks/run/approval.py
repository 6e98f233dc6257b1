"""Effects that wait for a person: when a tool wants to be asked about, and what that person is shown."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import BaseModel


class Ask(StrEnum):
    """always: each call. until_earned: until people have agreed often enough with what the agent proposed."""

    ALWAYS = "always"
    UNTIL_EARNED = "until_earned"


@dataclass(frozen=True, slots=True)
class Over:
    """Calls whose amount is above a limit, and those that name none. field: of the arguments. limit: in its unit."""

    field: str
    limit: float


Approval = Ask | Over


def over(name: str, limit: float) -> Over:
    """Ask where the argument of this name is above a limit."""
    return Over(name, limit)


def asks(approval: Approval | None, arguments: BaseModel) -> str:
    """Why a person has to be asked, in words; "" where nobody has. What has been earned is for the caller to know."""
    match approval:
        case None:
            return ""
        case Over(field=name, limit=limit):
            amount = getattr(arguments, name, None)
            if isinstance(amount, int | float) and not isinstance(amount, bool) and amount <= limit:
                return ""
            return f"{name} is above {limit:g}"
        case Ask.ALWAYS:
            return "each of its calls needs a person"
        case Ask.UNTIL_EARNED:
            return "it has not earned to act alone"


@dataclass(frozen=True, slots=True)
class Preview:
    """What a call would do, made by its tool without doing it. target: where. does: one sentence. details: by name."""

    target: str
    does: str
    details: Mapping[str, str] = field(default_factory=dict)


def digest_of(key: str, tool: str, arguments: Any) -> str:
    """What an approval is bound to: this call of this ticket with exactly these arguments. 64 hex digits."""
    said = json.dumps([key, tool, arguments], sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class ProposedCall:
    """A call that was put before people. approved_by: "" until somebody has; edited_by: who changed its arguments."""

    key: str
    call_id: str
    tool: str
    arguments: Any
    digest: str
    approved_by: str = ""
    edited_by: str = ""
