"""The decision: what a run submits, what it must satisfy, and what stands in the end."""

from collections.abc import Sequence
from html import unescape
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from tasks.errors import InvalidDecision
from tasks.safety.quotes import Folded
from tasks.ticket import Priority, Ticket
from tasks.triage.fields import Value, read_values
from tasks.triage.taxonomy import Taxonomy


class SuggestionArguments(BaseModel):
    """The arguments of `submit_decision`, as the model gives them. The team follows from the label."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: Annotated[str, Field(description="Exactly one label of the taxonomy.")]
    priority: Annotated[Priority, Field(description="How soon a person should look.")]
    summary: Annotated[
        str, StringConstraints(min_length=1, max_length=500), Field(description="One sentence for the team.")
    ]
    rationale: Annotated[
        str, StringConstraints(min_length=1, max_length=2000), Field(description="Why this label and no other.")
    ]
    evidence: Annotated[
        tuple[Annotated[str, StringConstraints(min_length=1, max_length=500)], ...],
        Field(min_length=1, max_length=5, description="Quotes copied character by character from the ticket."),
    ]
    confidence: Annotated[
        float, Field(ge=0, le=1, description="Probability that a person would route it the same way.")
    ]


class ExtendedArguments(SuggestionArguments):
    """The same where the taxonomy has fields, or allows further labels."""

    fields: dict[str, Any] = Field(default_factory=dict)
    further_labels: tuple[str, ...] = ()


class Decision(BaseModel):
    """Where a ticket goes and why.

    team: from the taxonomy, by label.
    evidence: verbatim quotes of the ticket.
    confidence: 0..1, the probability that a person would route it the same way; 1 for a person's own decision.
    decided_by: "agent", or the name of the person.
    tier: the model that suggested it, or "person".
    fields: the taxonomy's own that have a value. further_labels: what else it is about; `label` alone routes it. Both
    are left out where the taxonomy has none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    team: str
    priority: Priority
    summary: str
    rationale: str
    evidence: tuple[str, ...]
    confidence: float
    decided_by: str
    tier: str
    fields: dict[str, Value] = Field(default_factory=dict)
    further_labels: tuple[str, ...] = ()

    def as_result(self, taxonomy: Taxonomy) -> dict[str, Any]:
        """As JSON values, without what the taxonomy does not have."""
        used = {"fields": taxonomy.fields, "further_labels": taxonomy.further_labels}
        return self.model_dump(mode="json", exclude={name for name, there in used.items() if not there})


def read_suggestion(
    arguments: Any, ticket: Ticket, taxonomy: Taxonomy, tier: str, shown: str | None = None
) -> Decision:
    """Turn a model's arguments into a decision, or raise `InvalidDecision` naming every fault at once. The rules are
    not applied yet: `tasks.triage.rules.ruled`.

    shown: the ticket's text as the model saw it, masked in place; None: as it is. Quotes must be verbatim of what was
    shown; the decision carries what stands there in the ticket.
    """
    try:
        given = (ExtendedArguments if taxonomy.extended else SuggestionArguments).model_validate(arguments)
    except ValidationError as error:
        raise InvalidDecision(_faults(error)) from None
    faults: list[str] = []
    if given.label not in taxonomy.by_name:
        faults.append(f"label: {given.label[:80]!r} is not in the taxonomy")
    seen = Folded(ticket.text if shown is None else shown)
    evidence = [_verbatim(quote, ticket.text, seen, masked=shown is not None) for quote in given.evidence]
    faults += [
        f"evidence.{index}: not a verbatim quote of the ticket" for index, quote in enumerate(evidence) if quote is None
    ]
    extras: dict[str, Any] = {}
    if isinstance(given, ExtendedArguments):
        extras["fields"], wrong = read_values(taxonomy.fields, given.fields)
        extras["further_labels"], unknown = read_further(taxonomy, given.label, given.further_labels)
        faults += [*wrong, *unknown]
    if faults:
        raise InvalidDecision("; ".join(faults))
    return Decision(
        **given.model_dump(exclude={"evidence", "fields", "further_labels"}),
        **extras,
        evidence=tuple(quote for quote in evidence if quote is not None),
        team=taxonomy.by_name[given.label].team,
        decided_by="agent",
        tier=tier,
    )


def read_further(taxonomy: Taxonomy, label: str, given: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """The labels besides the first, each once, and every fault."""
    others = tuple(name for name in dict.fromkeys(given) if name != label)
    faults = [
        f"further_labels: {name[:80]!r} is not in the taxonomy" for name in others if name not in taxonomy.by_name
    ]
    if len(others) > taxonomy.further_labels:
        faults.append(f"further_labels: the taxonomy allows {taxonomy.further_labels}")
    return others, faults


def _verbatim(quote: str, text: str, seen: Folded, *, masked: bool) -> str | None:
    """The quote as it stands in the ticket, or None. The model reads the ticket escaped, and may copy it so.

    masked: what was seen is the text masked in place.
    """
    for copied in (quote, unescape(quote)):
        if copied in seen:
            return text[slice(*next(seen.spans(copied)))] if masked else copied
    return None


def _faults(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in fault['loc']) or 'arguments'}: {fault['msg']}" for fault in error.errors()
    )
