"""What the inbox's actions take. Each body names the version that the person saw; unknown fields are refused."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, RootModel, StringConstraints, create_model, model_validator

from fallbacks.inbox.bulk import MOST
from fallbacks.ledger.states import Closed
from tasks.money import from_usd
from tasks.reasons import Reason
from tasks.run.limits import Limits
from tasks.run.process import Process
from tasks.ticket import Ticket, TicketId

N = TypeVar("N", int, float)

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


_NO_FACETS = frozenset({"person", "skip"})


class Filter(BaseModel):
    """Which items: by the values of facets. A process adds its own."""

    queue: Facet | None = None
    reason: Reason | None = None

    @property
    def facets(self) -> list[str]:
        """The inbox indexes that are named."""
        named = {name: getattr(self, name) for name in _facet_names(type(self).model_fields)}
        return [f"{name}:{value}" for name, value in named.items() if value is not None]


def _facet_names(fields: Iterable[str]) -> list[str]:
    return [name for name in fields if name not in _NO_FACETS]


def _one_at_most(schema: dict[str, Any]) -> None:
    names = _facet_names(schema["properties"])
    schema["anyOf"] = [{"properties": {other: {"type": "null"} for other in names if other != one}} for one in names]


class NextBody(Body, Filter):
    """Which items to serve: one facet at most. skip: items passed over."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_one_at_most)

    skip: Annotated[list[TicketId], Field(max_length=200)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_facet(self) -> Self:
        if len(self.facets) > 1:
            raise ValueError(f"name one of {', '.join(_facet_names(type(self).model_fields))}")
        return self


class Reasoned(Versioned):
    reason: Text


class RejectBody(Reasoned):
    pass


class CloseBody(Versioned):
    """of: the ticket that a duplicate is one of."""

    kind: Closed
    of: TicketId | None = None


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
        """The deployment's limits with these in their place. Raises `BeyondDeployedError`."""
        cost = None if self.max_cost_usd is None else from_usd(self.max_cost_usd)
        return Limits(
            max_steps=_within("max_steps", self.max_steps, deployed.max_steps),
            max_tool_calls=_within("max_tool_calls", self.max_tool_calls, deployed.max_tool_calls),
            max_tokens=_within("max_tokens", self.max_tokens, deployed.max_tokens),
            max_cost_nanodollars=_within("max_cost_usd", cost, deployed.max_cost_nanodollars),
            max_seconds=_within("max_seconds", self.max_seconds, deployed.max_seconds),
        )


class ResumeBody(Versioned):
    """hint: shown to the model. from_step: 0 keeps the whole conversation."""

    hint: Annotated[str, StringConstraints(max_length=2000)] = ""
    limits: FreshLimits = Field(default_factory=FreshLimits)
    from_step: Annotated[int, Field(ge=0, le=10_000)] = 0


class SnoozeBody(Versioned):
    seconds: Annotated[float, Field(gt=0, le=30 * 86_400)]


Owner = Annotated[str, StringConstraints(max_length=80)]


class AssignBody(Versioned):
    """to: a person, a group such as `team:cards`, or "" for nobody."""

    to: Owner


class NoteBody(Body):
    text: Annotated[str, StringConstraints(min_length=1, max_length=4000)]
    version: Version | None = None


class BulkItem(BaseModel):
    """An item, and the version of it that the person saw."""

    model_config = ConfigDict(extra="forbid")

    id: TicketId
    version: Version


class BulkBody(Body):
    """One act on many items: each is done or refused by itself."""

    items: Annotated[list[BulkItem], Field(min_length=1, max_length=MOST)]


class BulkApprove(BulkBody):
    act: Literal["approve"]


class BulkClose(BulkBody):
    act: Literal["close"]
    kind: Closed


class BulkSnooze(BulkBody):
    """seconds: 0 wakes them."""

    act: Literal["snooze"]
    seconds: Annotated[float, Field(ge=0, le=30 * 86_400)]


class BulkAssign(BulkBody):
    """to: a person, a group such as `team:cards`, or "" for nobody."""

    act: Literal["assign"]
    to: Owner


class BulkUndo(BulkBody):
    act: Literal["undo"]


@dataclass(frozen=True, slots=True)
class ProcessBodies:
    """What depends on the process. filter: of the list. next: a filter of one facet. bulk: one act on many. edit: a
    decision by hand. correct: the same of a decision that stands, and why.
    """

    filter: type[Filter]
    next: type[NextBody]
    bulk: type[RootModel[Any]]
    edit: type[Versioned]
    correct: type["Reasoned"]


def bodies_of(process: Process) -> ProcessBodies:
    """The models of a process: its facets, and what a person gives who decides by hand."""
    own: dict[str, Any] = dict.fromkeys(process.facet_names, (Facet | None, None))
    return ProcessBodies(
        create_model("Filter", __base__=Filter, **own),
        create_model("NextBody", __base__=NextBody, **own),
        _bulk(process),
        create_model("EditBody", __base__=(Versioned, process.hand), __doc__=_EDIT),  # type: ignore[arg-type] # of any two
        create_model("CorrectBody", __base__=(Reasoned, process.hand), __doc__=_CORRECT),  # type: ignore[arg-type] # of any two
    )


def _bulk(process: Process) -> type[RootModel[Any]]:
    decision: dict[str, Any] = {"act": (Literal["edit"], ...), "decision": (process.hand, ...)}
    edit = create_model("BulkEdit", __base__=BulkBody, __doc__="The same decision by hand on each.", **decision)
    acts = BulkApprove | edit | BulkClose | BulkSnooze | BulkAssign | BulkUndo
    return create_model("Bulk", __base__=RootModel[Annotated[acts, Field(discriminator="act")]])


_EDIT = "A decision by hand, or another one than is suggested."
_CORRECT = "Another decision than the one that stands. reason: why; kept in the journal, and sent upstream."


class BeyondDeployedError(ValueError):
    """A person gave a run more than the operator lets any have. name: of the limit."""

    def __init__(self, name: str) -> None:
        super().__init__(f"at most what this deployment gives a run (DESKHAND_{name.upper()})")
        self.name = name


def _within(name: str, chosen: N | None, deployed: N | None) -> N | None:
    if chosen is None:
        return deployed
    if deployed is not None and chosen > deployed:
        raise BeyondDeployedError(name)
    return chosen
