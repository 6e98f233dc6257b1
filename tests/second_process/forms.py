"""The process: `tasks.run.process.Process` with other fields, no label and no team."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from tasks.errors import InvalidDecision
from tasks.run.messages import SUBMIT, ToolSpec
from tasks.run.process import Choice, Kind, Result, Suggestion
from tasks.run.prompt import Prompt
from tasks.safety.canary import sentence
from tasks.ticket import Priority, Ticket

KNOWN = {"P45": "Somebody leaves a job.", "P60": "What somebody earned in a year.", "W9": "A number for taxes."}

Number = Annotated[str, StringConstraints(pattern=r"^\d{2}-\d{2}$")]


class FormHand(BaseModel):
    """What a person says of a form. Without a number it is as suggested."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    form: Annotated[str, Field(description="Which form it is.", max_length=20)]
    number: Annotated[Number | None, Field(description="Its number; default: as suggested.")] = None


class FormResult(BaseModel):
    model_config = ConfigDict(extra="forbid")

    form: str
    number: str
    priority: Priority
    confidence: float
    decided_by: str
    tier: str


class Submitted(BaseModel):
    model_config = ConfigDict(extra="forbid")

    form: str
    number: Number
    confidence: Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True)
class Forms:
    """Implements `tasks.run.process.Process` over the forms there are."""

    known: tuple[str, ...] = tuple(KNOWN)

    name: ClassVar[str] = "forms"
    facet_names: ClassVar[tuple[str, ...]] = ("form",)
    keyed_by: ClassVar[str] = "form"
    result: ClassVar[type[BaseModel]] = FormResult
    hand: ClassVar[type[BaseModel]] = FormHand
    objections: ClassVar[tuple[str, ...]] = ("wrong form", "wrong number")
    prompt: ClassVar[Prompt] = Prompt(f"Say which form it is and its number. End by calling {SUBMIT}.")
    taxonomy_version: ClassVar[str] = "forms-1"
    choices: ClassVar[tuple[Choice, ...]] = ()

    @property
    def terminal(self) -> ToolSpec:
        return ToolSpec(SUBMIT, "Say which form it is.", Submitted.model_json_schema())

    @property
    def facet_values(self) -> Mapping[str, Sequence[str]]:
        return {"form": self.known}

    @property
    def kinds(self) -> tuple[Kind, ...]:
        return tuple(Kind(form, KNOWN[form]) for form in self.known)

    def system(self, canary: str) -> str:
        secret = f"\n\n{sentence(canary)}" if canary else ""
        return f"{self.prompt.rules}\n\nForms: {', '.join(self.known)}{secret}"

    def opening(self, ticket: Ticket, context: str, findings: str) -> str:
        return f"<form>{escape(ticket.text)}</form>\n{findings}".strip()

    def read(self, arguments: Any, ticket: Ticket, tier: str, context: str | None, shown: str | None) -> Suggestion:
        try:
            said = Submitted.model_validate(arguments)
        except ValidationError as error:
            raise InvalidDecision("; ".join(fault["msg"] for fault in error.errors())) from None
        if said.form not in self.known:
            raise InvalidDecision(f"there is no form {said.form!r}", "form")
        if said.number not in (shown or ticket.text):
            raise InvalidDecision(f"the number {said.number} is not on the form", "number")
        result = self._result(said.form, said.number, said.confidence, "agent", tier)
        return Suggestion(result, Priority.NORMAL, said.confidence)

    def priority(self, ticket: Ticket, context: str | None) -> Priority:
        return ticket.priority or Priority.NORMAL

    def facets(self, result: Result) -> Mapping[str, str]:
        return {"form": str(result["form"])}

    def key(self, result: Result) -> str:
        return str(result["form"])

    def headline(self, result: Result) -> str:
        return f"{result['form']} number {result['number']}"

    def shown(self, result: Result) -> Mapping[str, str]:
        return {name: str(result[name]) for name in ("form", "number")}

    def extras(self, result: Result) -> dict[str, Any]:
        return {}

    @property
    def columns(self) -> Sequence[str]:
        return ()

    def cells(self, result: Result) -> Mapping[str, str]:
        return {}

    def missing(self, result: Result) -> Sequence[str]:
        return ()

    def typed(self, given: Mapping[str, str]) -> dict[str, Any]:
        return {name: text for name, text in given.items() if text}

    def quotes(self, result: Result) -> Sequence[str]:
        return (str(result["number"]),)

    def without_quotes(self, result: Result, withheld: Callable[[str], bool]) -> dict[str, Any]:
        return dict(result)

    def fits(self, result: Result) -> bool:
        return True

    def agrees(self, suggested: Result, decided: Result) -> bool:
        return bool(suggested["form"] == decided["form"])

    def severe(self, suggested: Result, decided: Result) -> bool:
        return False

    def by_hand(self, ticket: Ticket, suggested: Result | None, given: FormHand, person: str) -> dict[str, Any]:
        if given.form not in self.known:
            raise InvalidDecision(f"there is no form {given.form!r}", "form")
        number = given.number or (suggested or {}).get("number")
        if number is None:
            raise InvalidDecision("say its number: nothing is suggested", "number")
        return self._result(given.form, number, 1.0, person, "person")

    def likely(
        self, ticket: Ticket | None, suggested: Result | None, context: str | None, decided: Mapping[str, int]
    ) -> tuple[Choice, ...]:
        return ()

    def mistaken(self, result: Result, choose: Callable[[Sequence[str]], str]) -> dict[str, Any] | None:
        return {**result, "form": choose([form for form in self.known if form != result["form"]])}

    def _result(self, form: str, number: str, confidence: float, by: str, tier: str) -> dict[str, Any]:
        found = FormResult(
            form=form, number=number, priority=Priority.NORMAL, confidence=confidence, decided_by=by, tier=tier
        )
        return found.model_dump(mode="json")


FORM = re.compile(r"form (\S+), number (\S+)")
"""How the tests write one."""
