"""Triage as the rails see it: one label, its team and a priority for each ticket. `tasks.run.process.Process`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, StringConstraints

from tasks.errors import InvalidDecision
from tasks.run.messages import ToolSpec
from tasks.run.process import Choice, Result, Suggestion
from tasks.run.prompt import Prompt
from tasks.ticket import Priority, Ticket
from tasks.triage.decision import Decision, validate_submission
from tasks.triage.likely import likely_labels
from tasks.triage.prompt import BUILT_IN, opening, submit_spec, system_prompt
from tasks.triage.rules import ruled
from tasks.triage.taxonomy import Label, Taxonomy


class HandDecision(BaseModel):
    """A person's own words for a decision. What is None is as suggested."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    priority: Priority | None = None
    summary: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None
    rationale: Annotated[str, StringConstraints(min_length=1, max_length=2000)] | None = None


@dataclass(frozen=True)
class Triage:
    """Implements `tasks.run.process.Process` over a taxonomy."""

    taxonomy: Taxonomy
    prompt: Prompt = BUILT_IN

    name: ClassVar[str] = "triage"
    hand: ClassVar[type[BaseModel]] = HandDecision

    @property
    def taxonomy_version(self) -> str:
        """The taxonomy's."""
        return self.taxonomy.version

    @cached_property
    def terminal(self) -> ToolSpec:
        """The label is an enum of the taxonomy's names."""
        return submit_spec(self.taxonomy)

    def system(self, canary: str) -> str:
        """The prompt, then every team and label."""
        return system_prompt(self.taxonomy, self.prompt, canary)

    def opening(self, ticket: Ticket, context: str, findings: str) -> str:
        """The ticket and its context, delimited and escaped."""
        return opening(ticket, context, findings)

    def read(self, arguments: Any, ticket: Ticket, tier: str, context: str | None, shown: str | None) -> Suggestion:
        """A decision with the team of its label and the priority that the rules leave."""
        decision = validate_submission(arguments, ticket, self.taxonomy, tier, shown)
        ruling = ruled(decision.priority, decision.team, ticket, self.taxonomy, context)
        result = decision.model_copy(update={"priority": ruling.priority}).model_dump(mode="json")
        return Suggestion(result, ruling.priority, decision.confidence, ruling.raised, ruling.person)

    def priority(self, ticket: Ticket, context: str | None) -> Priority:
        """What upstream set, raised by the rules."""
        asked = ticket.priority or Priority.NORMAL
        return ruled(asked, "", ticket, self.taxonomy, context).priority

    @property
    def facet_values(self) -> Mapping[str, Sequence[str]]:
        """Teams in the taxonomy's order, labels by name."""
        return {"team": [team.name for team in self.taxonomy.teams], "label": sorted(self.taxonomy.by_name)}

    def facets(self, result: Result) -> Mapping[str, str]:
        """Label and team."""
        return {"label": str(result["label"]), "team": str(result["team"])}

    def key(self, result: Result) -> str:
        """The label."""
        return str(result["label"])

    def headline(self, result: Result) -> str:
        """`card_arrival for cards`."""
        return f"{result['label']} for {result['team']}"

    def agrees(self, suggested: Result, decided: Result) -> bool:
        """The same label."""
        return bool(suggested.get("label") == decided.get("label") is not None)

    def by_hand(self, ticket: Ticket, suggested: Result | None, given: HandDecision, person: str) -> dict[str, Any]:
        """The label's team, and its priority where none is suggested. Raises `InvalidDecision` for an unknown label."""
        label = self.taxonomy.by_name.get(given.label)
        if label is None:
            raise InvalidDecision(f"label {given.label!r} is not in the taxonomy")
        before = suggested or {}
        return Decision(
            label=label.name,
            team=label.team,
            priority=given.priority or Priority(before.get("priority", label.priority)),
            summary=given.summary or before.get("summary") or ticket.text[:200],
            rationale=given.rationale or f"Decided by {person}.",
            evidence=tuple(before.get("evidence", ())),
            confidence=1.0,
            decided_by=person,
            tier="person",
        ).model_dump(mode="json")

    def likely(
        self, ticket: Ticket | None, suggested: Result | None, context: str | None, decided: Mapping[str, int]
    ) -> tuple[Choice, ...]:
        """A label each, with its team."""
        before = self.key(suggested) if suggested else None
        names = likely_labels(self.taxonomy, ticket, before, context, decided)
        return tuple(Choice({"label": name}, name, self.taxonomy.by_name[name].team) for name in names)

    def mistaken(self, result: Result, choose: Callable[[Sequence[str]], str]) -> dict[str, Any] | None:
        """A label of another team, its names in the rationale; all else stays, so that only the sense is wrong."""
        true = self.taxonomy.by_name.get(self.key(result))
        others = [label.name for label in self.taxonomy.labels if true is not None and label.team != true.team]
        if true is None or not others:
            return None
        wrong = self.taxonomy.by_name[choose(others)]
        rationale = _renamed(str(result["rationale"]), true, wrong)[:2000]
        named = {"label": wrong.name, "team": wrong.team, "priority": wrong.priority.value}
        return {**result, **named, "rationale": rationale, "decided_by": "agent"}


def _renamed(text: str, true: Label, wrong: Label) -> str:
    pairs = ((true.name, wrong.name), (_plain(true.name), _plain(wrong.name)), (true.team, wrong.team))
    for old, new in pairs:
        text = text.replace(old, new)
    return text


def _plain(name: str) -> str:
    return name.replace("_", " ")
