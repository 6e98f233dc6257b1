"""The taxonomy: the only labels, teams and priorities a decision may name. `worker.config.yaml_taxonomy` reads it."""

import hashlib
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StrictBool,
    StringConstraints,
    model_serializer,
    model_validator,
)

from tasks.errors import InvalidTaxonomy
from tasks.ticket import Priority
from tasks.triage.fields import OwnField

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.?-]{0,79}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Tier = Annotated[str, StringConstraints(min_length=1, max_length=40, strip_whitespace=True)]
"""As long as the prefetch shows one."""


class Team(BaseModel):
    """Who works a label. `name` is what decisions carry; `description` says to the model what the team does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    description: Line


class Label(BaseModel):
    """What a ticket is about.

    team: the one team it is routed to.
    priority: what a ticket of this label gets when no rule says otherwise.
    examples: up to 20 short tickets. People are offered the label for tickets that share their words; no model is shown
    them, and they are no part of the version.
    none_of_these: no label fits what is put here: people say what becomes of it, and nothing is ever decided so alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    description: Line
    team: Name
    priority: Priority = Priority.NORMAL
    examples: Annotated[tuple[Line, ...], Field(max_length=20)] = ()
    none_of_these: StrictBool = False

    @model_serializer(mode="wrap")
    def _as_given(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without the flag where it is not set: a taxonomy that does not use it keeps its version."""
        given: dict[str, Any] = dump(self)
        return given if self.none_of_these else {name: value for name, value in given.items() if name != _FLAG}


_FLAG = "none_of_these"


class PriorityRule(BaseModel):
    """A deterministic override the model cannot move. It holds where all it names holds; `tasks/triage/rules.py`.

    words: any of them, whole and in any case. customer_tiers: any of them, of the customer's record, in any case.
    priority: it becomes at least that. person: it is never decided alone. team: a suggestion for another team is never
    decided alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    words: Annotated[tuple[Line, ...], Field(max_length=100)] = ()
    priority: Priority | None = None
    customer_tiers: Annotated[tuple[Tier, ...], Field(max_length=20)] = ()
    person: StrictBool = False
    team: Name | None = None

    @model_validator(mode="after")
    def _says_when_and_what(self) -> Self:
        if not (self.words or self.customer_tiers):
            raise ValueError("a rule needs words or customer_tiers: nothing says when it holds")
        if not (self.priority or self.person or self.team):
            raise ValueError("a rule needs a priority, a team or person: true: nothing follows from it")
        return self

    @model_serializer(mode="wrap")
    def _as_given(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what it leaves open: a taxonomy that uses nothing newer keeps its version."""
        return {name: value for name, value in dump(self).items() if value}


NAMED = frozenset({
    "id", "at", "by", "action", "label", "team", "priority", "proposed", "tier", "reason", "epoch", "handled_seconds",
    "keystrokes", "text", "subject", "body", "split", "summary", "rationale", "evidence", "confidence", "decided_by",
    "fields", "further_labels",
})  # fmt: skip
"""What an example or a labelled row calls something else, so that no field may be called so."""


class Taxonomy(BaseModel):
    """Teams, labels, rules and fields. Refused with `InvalidTaxonomy` where an entry contradicts another.

    further_labels: how many labels a decision may name besides the one that routes it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    teams: Annotated[tuple[Team, ...], Field(min_length=1, max_length=100)]
    labels: Annotated[tuple[Label, ...], Field(min_length=2, max_length=500)]
    priority_rules: Annotated[tuple[PriorityRule, ...], Field(max_length=50)] = ()
    fields: Annotated[tuple[OwnField, ...], Field(max_length=20)] = ()
    further_labels: Annotated[int, Field(ge=0, le=10)] = 0

    def checked(self) -> Self:
        """Itself, once names are unique and every team that is named exists; else `InvalidTaxonomy` with the path."""
        _unique([team.name for team in self.teams], "teams")
        _unique([label.name for label in self.labels], "labels")
        _unique([field.name for field in self.fields], "fields")
        for index, field in enumerate(self.fields):
            if field.name in NAMED:
                raise InvalidTaxonomy(f"{field.name!r} is the name of something else", ("fields", index, "name"))
        known = {team.name for team in self.teams}
        for index, label in enumerate(self.labels):
            if label.team not in known:
                raise InvalidTaxonomy(
                    f"label {label.name!r} names the team {label.team!r}, which is not under teams",
                    ("labels", index, "team"),
                )
        flagged = [index for index, label in enumerate(self.labels) if label.none_of_these]
        if len(flagged) > 1:
            raise InvalidTaxonomy("only one label may be none_of_these", ("labels", flagged[1], _FLAG))
        for index, rule in enumerate(self.priority_rules):
            if rule.team is not None and rule.team not in known:
                raise InvalidTaxonomy(
                    f"a rule names the team {rule.team!r}, which is not under teams", ("priority_rules", index, "team")
                )
        return self

    @cached_property
    def by_name(self) -> dict[str, Label]:
        """Labels by name."""
        return {label.name: label for label in self.labels}

    @property
    def team_of(self) -> dict[str, str]:
        """The team of each label; "" of the one that says that none fits, which nothing is routed by."""
        return {label.name: "" if label.none_of_these else label.team for label in self.labels}

    @property
    def extended(self) -> bool:
        """Whether a decision says more than its label."""
        return bool(self.fields or self.further_labels)

    @cached_property
    def version(self) -> str:
        """Twelve hex digits over all that a decision depends on; recorded on every run."""
        plain = tuple(label.model_copy(update={"examples": ()}) for label in self.labels)
        unused = {name for name in ("fields", "further_labels") if not getattr(self, name)}  # as it was before them
        content = self.model_copy(update={"labels": plain}).model_dump_json(exclude=unused)
        return hashlib.sha256(content.encode()).hexdigest()[:12]


def _unique(names: list[str], section: str) -> None:
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        if name in seen:
            raise InvalidTaxonomy(f"{name!r} stands twice under {section}", (section, index, "name"))
        seen[name] = index
