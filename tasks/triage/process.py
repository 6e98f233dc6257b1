"""Triage as the rails see it: one label, its team and a priority for each ticket. `tasks.run.process.Process`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tasks.errors import InvalidDecision
from tasks.run.messages import ToolSpec
from tasks.run.process import Choice, Kind, Result, Suggestion
from tasks.run.prompt import Prompt
from tasks.ticket import Priority, Ticket
from tasks.triage.decision import Decision, read_suggestion
from tasks.triage.likely import likely_labels
from tasks.triage.prompt import BUILT_IN, opening, submit_spec, system_prompt
from tasks.triage.rules import ruled
from tasks.triage.taxonomy import Label, Taxonomy

_Summary = Annotated[str, StringConstraints(min_length=1, max_length=500)]
_Rationale = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class HandDecision(BaseModel):
    """A person's own words for a decision. What is None is as suggested."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: Annotated[str, StringConstraints(min_length=1, max_length=80), Field(description="A label of the taxonomy.")]
    priority: Annotated[Priority | None, Field(description="low, normal, high or urgent; default: as suggested.")] = (
        None
    )
    summary: Annotated[_Summary | None, Field(description="One sentence for the team; default: as suggested.")] = None
    rationale: Annotated[_Rationale | None, Field(description="Why; default: your name.")] = None


NO_LABEL_FITS = "no label fits: people say what becomes of it"

OBJECTIONS = (
    "wrong label",
    "wrong team",
    "wrong priority",
    "the evidence does not support it",
    "it misread the ticket",
    "several requests in one ticket",
    "more information is needed",
    "it follows instructions in the ticket",
    "spam or not for us",
)


@dataclass(frozen=True)
class Triage:
    """Implements `tasks.run.process.Process` over a taxonomy.

    agree_on: "label" or "team". severe_mistakes: teams that must not be missed ("fraud"), and pairs of labels that
    must not be confused ("suggested>decided").
    """

    taxonomy: Taxonomy
    prompt: Prompt = BUILT_IN

    agree_on: str = "label"
    severe_mistakes: frozenset[str] = frozenset()

    name: ClassVar[str] = "triage"
    facet_names: ClassVar[tuple[str, ...]] = ("label", "team")
    keyed_by: ClassVar[str] = "label"
    result: ClassVar[type[BaseModel]] = Decision
    hand: ClassVar[type[BaseModel]] = HandDecision
    objections: ClassVar[tuple[str, ...]] = OBJECTIONS

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
        decision = read_suggestion(arguments, ticket, self.taxonomy, tier, shown)
        ruling = ruled(decision.priority, decision.team, ticket, self.taxonomy, context)
        result = decision.model_copy(update={"priority": ruling.priority}).model_dump(mode="json")
        person = ruling.person if self.fits(result) else (*ruling.person, NO_LABEL_FITS)
        return Suggestion(result, ruling.priority, decision.confidence, ruling.raised, person)

    def priority(self, ticket: Ticket, context: str | None) -> Priority:
        """What upstream set, raised by the rules."""
        asked = ticket.priority or Priority.NORMAL
        return ruled(asked, "", ticket, self.taxonomy, context).priority

    @property
    def facet_values(self) -> Mapping[str, Sequence[str]]:
        """Teams in the taxonomy's order, labels by name."""
        return {"team": [team.name for team in self.taxonomy.teams], "label": sorted(self.taxonomy.by_name)}

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        """The labels, by team."""
        return tuple(
            Kind(label.name, label.description, team.name, team.description)
            for team in self.taxonomy.teams
            for label in self.taxonomy.labels
            if label.team == team.name
        )

    @cached_property
    def choices(self) -> tuple[Choice, ...]:
        """Every label, in the taxonomy's order."""
        return tuple(self._choice(label.name) for label in self.taxonomy.labels)

    def facets(self, result: Result) -> Mapping[str, str]:
        """Label and team."""
        return {"label": str(result["label"]), "team": str(result["team"])}

    def key(self, result: Result) -> str:
        """The label."""
        return str(result["label"])

    def fits(self, result: Result) -> bool:
        """Not where the label is the one that says none does."""
        label = self.taxonomy.by_name.get(self.key(result))
        return label is None or not label.none_of_these

    def headline(self, result: Result) -> str:
        """`card_arrival for cards`."""
        return f"{result.get('label')} for {result.get('team')}"

    def shown(self, result: Result) -> Mapping[str, str]:
        """All but quotes and figures."""
        return {name: str(result.get(name, "")) for name in ("label", "team", "priority", "summary", "rationale")}

    def quotes(self, result: Result) -> Sequence[str]:
        """The evidence."""
        return tuple(result.get("evidence", ()))

    def without_quotes(self, result: Result, withheld: Callable[[str], bool]) -> dict[str, Any]:
        """The evidence that is left."""
        return {**result, "evidence": [quote for quote in self.quotes(result) if not withheld(quote)]}

    def agrees(self, suggested: Result, decided: Result) -> bool:
        """The same label, or the same team where that is what counts."""
        return bool(suggested[self.agree_on] == decided[self.agree_on])

    def severe(self, suggested: Result, decided: Result) -> bool:
        """A team missed, or two labels confused, that are named as such."""
        missed = decided["team"] in self.severe_mistakes and suggested["team"] != decided["team"]
        return missed or f"{suggested['label']}>{decided['label']}" in self.severe_mistakes

    def by_hand(self, ticket: Ticket, suggested: Result | None, given: HandDecision, person: str) -> dict[str, Any]:
        """The label's team, and its priority where none is suggested. Raises `InvalidDecision` for an unknown label."""
        label = self.taxonomy.by_name.get(given.label)
        if label is None:
            alike = get_close_matches(given.label, self.taxonomy.by_name, n=3, cutoff=0.4)
            meant = f"; did you mean {' or '.join(alike)}?" if alike else ""
            raise InvalidDecision(f"label {given.label!r} is not in the taxonomy{meant}", "label")
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
        return tuple(map(self._choice, names))

    def _choice(self, label: str) -> Choice:
        return Choice({"label": label}, label, self.taxonomy.by_name[label].team)

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
