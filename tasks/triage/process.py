"""Triage as the rails see it: one label, its team and a priority for each ticket. `tasks.run.process.Process`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from tasks.errors import InvalidDecision
from tasks.language import _
from tasks.run.messages import ToolSpec
from tasks.run.process import Choice, Kind, Result, Suggestion
from tasks.run.prompt import Prompt
from tasks.ticket import Priority, Ticket
from tasks.triage.decision import Decision, read_further, read_suggestion
from tasks.triage.fields import read_values, shown_value
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
    fields: Annotated[
        dict[Annotated[str, StringConstraints(max_length=40)], JsonValue] | None,
        Field(max_length=20),
        Field(description="A field of the taxonomy, NAME=VALUE; no value empties it; default: as suggested."),
    ] = None
    further_labels: Annotated[
        tuple[Annotated[str, StringConstraints(max_length=80)], ...] | None,
        Field(max_length=20, description="What else it is about; default: as suggested."),
    ] = None


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
        result = decision.model_copy(update={"priority": ruling.priority}).as_result(self.taxonomy)
        person, missing = ruling.person, self.missing(result)
        if not self.fits(result):
            person = (*person, NO_LABEL_FITS)
        return Suggestion(result, ruling.priority, decision.confidence, ruling.raised, person, missing)

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
            Kind(label.name, label.description, team.name, team.description, label.examples)
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
        return _("%(label)s for %(team)s", label=result.get("label"), team=result.get("team"))

    def shown(self, result: Result) -> Mapping[str, str]:
        """All but quotes and figures."""
        said = {name: str(result.get(name, "")) for name in ("label", "team", "priority", "summary", "rationale")}
        return {**said, **self.cells(result)}

    def extras(self, result: Result) -> dict[str, Any]:
        """Fields and further labels."""
        return {name: result[name] for name in ("fields", "further_labels") if name in result}

    @property
    def columns(self) -> tuple[str, ...]:
        """A column for each field, and one for further labels."""
        named = tuple(field.name for field in self.taxonomy.fields)
        return (*named, "further_labels") if self.taxonomy.further_labels else named

    def cells(self, result: Result) -> Mapping[str, str]:
        """A list by commas."""
        said = {**result.get("fields", {}), "further_labels": result.get("further_labels", ())}
        return {name: shown_value(said.get(name)) for name in self.columns}

    def missing(self, result: Result) -> tuple[str, ...]:
        """Required fields without a value. Where no label fits nobody acts on it, and none is needed."""
        if "label" in result and not self.fits(result):
            return ()
        said = result.get("fields", {})
        return tuple(field.name for field in self.taxonomy.fields if field.required and said.get(field.name) is None)

    def quotes(self, result: Result) -> Sequence[str]:
        """The evidence."""
        return tuple(result.get("evidence", ()))

    def without_quotes(self, result: Result, withheld: Callable[[str], bool]) -> dict[str, Any]:
        """The evidence that is left."""
        return {**result, "evidence": [quote for quote in self.quotes(result) if not withheld(quote)]}

    def agrees(self, suggested: Result, decided: Result) -> bool:
        """The same label, or the same team where that is what counts; and no value of a field was changed. One that a
        person adds was not the agent's.
        """
        kept = decided.get("fields")
        given = suggested.get("fields", {})
        said = {name: value for name, value in given.items() if value is not None}
        unchanged = kept is None or all(kept.get(name) == value for name, value in said.items())
        return bool(suggested[self.agree_on] == decided[self.agree_on]) and unchanged

    def severe(self, suggested: Result, decided: Result) -> bool:
        """A team missed, or two labels confused, that are named as such."""
        missed = decided["team"] in self.severe_mistakes and suggested["team"] != decided["team"]
        return missed or f"{suggested['label']}>{decided['label']}" in self.severe_mistakes

    def typed(self, given: Mapping[str, str]) -> dict[str, Any]:
        """`fields.NAME` is a field's; further labels stand between commas, and `fields.further_labels` empties them."""
        found: dict[str, Any] = {name: text for name, text in given.items() if text and "." not in name}
        parts = {name.removeprefix("fields."): text for name, text in given.items() if name.startswith("fields.")}
        further: str | None = parts.pop("further_labels", found.pop("further_labels", None))
        if further is not None:
            found["further_labels"] = [name.strip() for name in further.split(",") if name.strip()]
        known = {field.name: field for field in self.taxonomy.fields}
        if parts:
            said = {name: known[name].of_text(text) if name in known else text for name, text in parts.items()}
            found["fields"] = said
        return found

    def by_hand(self, ticket: Ticket, suggested: Result | None, given: HandDecision, person: str) -> dict[str, Any]:
        """The label's team, and its priority where none is suggested. Raises `InvalidDecision` for an unknown label,
        and for fields that the taxonomy refuses or lacks.
        """
        label = self.taxonomy.by_name.get(given.label)
        if label is None:
            alike = get_close_matches(given.label, self.taxonomy.by_name, n=3, cutoff=0.4)
            said = _("label %(label)s is not in the taxonomy", label=repr(given.label))
            meant = _("did you mean %(labels)s?", labels=_(" or ").join(alike)) if alike else ""
            raise InvalidDecision("; ".join(filter(None, (said, meant))), "label")
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
            **self._extras_by_hand(before, label, given),
        ).as_result(self.taxonomy)

    def _extras_by_hand(self, before: Result, label: Label, given: HandDecision) -> dict[str, Any]:
        """What was suggested stays where the taxonomy still takes it, and nobody says otherwise."""
        values, others = before.get("fields", {}), before.get("further_labels", ())
        known = [field for field in self.taxonomy.fields if field.fault(values.get(field.name)) is None]
        kept, __ = read_values(known, {field.name: values.get(field.name) for field in known})
        said, faults = read_values(self.taxonomy.fields, {**kept, **(given.fields or {})})
        further = [name for name in others if name in self.taxonomy.by_name][: self.taxonomy.further_labels]
        wanted = further if given.further_labels is None else given.further_labels
        labels, unknown = read_further(self.taxonomy, label.name, wanted)
        if wrong := [*faults, *unknown]:
            raise InvalidDecision("; ".join(wrong), wrong[0].partition(":")[0])
        if missing := self.missing({"label": label.name, "fields": said}):
            needs = _("every decision needs %(fields)s", fields=_(" and ").join(missing))
            raise InvalidDecision(needs, f"fields.{missing[0]}")
        return {"fields": said, "further_labels": labels}

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
        named: dict[str, Any] = {"label": wrong.name, "team": wrong.team, "priority": wrong.priority.value}
        if further := result.get("further_labels"):
            named["further_labels"] = [name for name in further if name != wrong.name]
        return {**result, **named, "rationale": rationale, "decided_by": "agent"}


def _renamed(text: str, true: Label, wrong: Label) -> str:
    pairs = ((true.name, wrong.name), (_plain(true.name), _plain(wrong.name)), (true.team, wrong.team))
    for old, new in pairs:
        text = text.replace(old, new)
    return text


def _plain(name: str) -> str:
    return name.replace("_", " ")
