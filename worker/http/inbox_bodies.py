"""What the inbox's actions take. Each body names the version that the person saw; unknown fields are refused."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from tasks.money import from_usd
from tasks.reasons import Reason
from tasks.run.limits import Limits
from tasks.ticket import Priority, Ticket, TicketId

Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
Version = Annotated[int, Field(ge=1, le=2**53)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._@+-]{1,80}$")]
Facet = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.?-]{0,79}$")]


class Body(BaseModel):
    """person: who acts through the key; then known as `<key>:<person>`. Absent: the key itself."""

    model_config = ConfigDict(extra="forbid")

    person: Name | None = None


class MaybeVersioned(Body):
    version: Version | None = None


class Versioned(Body):
    version: Version


_FACETS = ("queue", "reason", "label", "team")
_ONE_AT_MOST = [{"properties": {other: {"type": "null"} for other in _FACETS if other != one}} for one in _FACETS]


class NextBody(Body):
    """Which items to serve: one facet at most. skip: items passed over."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"anyOf": _ONE_AT_MOST})  # type: ignore[dict-item]

    queue: Facet | None = None
    reason: Reason | None = None
    label: Facet | None = None
    team: Facet | None = None
    skip: Annotated[list[TicketId], Field(max_length=200)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_facet(self) -> "NextBody":
        if len(facets_of(self.queue, self.reason, self.label, self.team)) > 1:
            raise ValueError("name one of queue, reason, label and team")
        return self


class EditBody(Versioned):
    """A decision by hand, or a correction of what is proposed."""

    label: Facet
    priority: Priority | None = None
    summary: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None
    rationale: Text | None = None


class RejectBody(Versioned):
    reason: Text


class RepairBody(Versioned):
    """ticket: the corrected one. Without an id it gets one that belongs to the message it was."""

    ticket: Ticket


class FreshLimits(BaseModel):
    """What the resumed run may use on top of what is used; what is absent is the deployment's."""

    model_config = ConfigDict(extra="forbid")

    max_steps: Count | None = None
    max_tool_calls: Count | None = None
    max_tokens: Count | None = None
    max_cost_usd: Annotated[float, Field(ge=0, le=1_000_000)] | None = None
    max_seconds: Annotated[float, Field(ge=0, le=86_400)] | None = None

    def over(self, deployed: Limits) -> Limits:
        """The deployment's limits with these in their place."""
        cost = None if self.max_cost_usd is None else from_usd(self.max_cost_usd)
        return Limits(
            max_steps=_first(self.max_steps, deployed.max_steps),
            max_tool_calls=_first(self.max_tool_calls, deployed.max_tool_calls),
            max_tokens=_first(self.max_tokens, deployed.max_tokens),
            max_cost_nanodollars=_first(cost, deployed.max_cost_nanodollars),
            max_seconds=deployed.max_seconds if self.max_seconds is None else self.max_seconds,
        )


class ResumeBody(Versioned):
    """hint: told to the model. from_step: 0 keeps the whole conversation."""

    hint: Annotated[str, StringConstraints(max_length=2000)] = ""
    limits: FreshLimits = Field(default_factory=FreshLimits)
    from_step: Annotated[int, Field(ge=0, le=10_000)] = 0


class SnoozeBody(Versioned):
    seconds: Annotated[float, Field(gt=0, le=30 * 86_400)]


class NoteBody(Body):
    text: Annotated[str, StringConstraints(min_length=1, max_length=4000)]
    version: Version | None = None


def facets_of(queue: str | None, reason: Reason | None, label: str | None, team: str | None) -> list[str]:
    """The inbox indexes that these name."""
    named = {"queue": queue, "reason": reason.value if reason else None, "label": label, "team": team}
    return [f"{name}:{value}" for name, value in named.items() if value is not None]


def _first(chosen: int | None, otherwise: int | None) -> int | None:
    return otherwise if chosen is None else chosen
