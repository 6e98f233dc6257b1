"""The taxonomy: the only labels, teams and priorities a decision may name. worker/yaml_taxonomy.py reads the file."""

import hashlib
from functools import cached_property
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tasks.errors import InvalidTaxonomy
from tasks.ticket import Priority

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.?-]{0,79}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class Team(BaseModel):
    """Who works a label. `name` is what decisions carry; `description` tells the model what the team does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    description: Line


class Label(BaseModel):
    """What a ticket is about.

    team: the one team it is routed to.
    priority: what a ticket of this label gets when no rule says otherwise.
    examples: up to 20 short tickets, shown to the model where they help.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    description: Line
    team: Name
    priority: Priority = Priority.NORMAL
    examples: Annotated[tuple[Line, ...], Field(max_length=20)] = ()


class PriorityRule(BaseModel):
    """A deterministic override the model cannot move: any of `words` (whole, any case) makes it at least `priority`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    words: Annotated[tuple[Line, ...], Field(min_length=1, max_length=100)]
    priority: Priority


class Taxonomy(BaseModel):
    """Teams, labels and rules. Refused with `InvalidTaxonomy` where an entry contradicts another."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    teams: Annotated[tuple[Team, ...], Field(min_length=1, max_length=100)]
    labels: Annotated[tuple[Label, ...], Field(min_length=2, max_length=500)]
    priority_rules: Annotated[tuple[PriorityRule, ...], Field(max_length=50)] = ()

    def checked(self) -> Self:
        """Itself, once every name is unique and every label's team exists; else `InvalidTaxonomy` with the path."""
        _unique([team.name for team in self.teams], "teams")
        _unique([label.name for label in self.labels], "labels")
        known = {team.name for team in self.teams}
        for index, label in enumerate(self.labels):
            if label.team not in known:
                raise InvalidTaxonomy(
                    f"label {label.name!r} names the team {label.team!r}, which is not under teams",
                    ("labels", index, "team"),
                )
        return self

    @cached_property
    def by_name(self) -> dict[str, Label]:
        """Labels by name."""
        return {label.name: label for label in self.labels}

    @cached_property
    def version(self) -> str:
        """Twelve hex digits over the whole content; recorded on every run."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]


def _unique(names: list[str], section: str) -> None:
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        if name in seen:
            raise InvalidTaxonomy(f"{name!r} stands twice under {section}", (section, index, "name"))
        seen[name] = index
