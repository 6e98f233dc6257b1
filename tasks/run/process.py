"""A narrow process: the one job an agent does. The rails under it and the inbox above it know none of its words.

`tasks/triage/process.py` is the first one. A process is pure, and the same for every ticket of a deployment.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel

from tasks.run.messages import ToolSpec
from tasks.run.prompt import Prompt
from tasks.ticket import Priority, Ticket

Result = Mapping[str, Any]
"""What a run comes to, as JSON values: the terminal call's fields, more of the process's own, and those of every one.

priority: of `Priority`. confidence: 0..1. decided_by: "agent", or the person. tier: the model, or "person".
"""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the agent offers, as the rules leave it.

    raised: why the priority is above the one that the model gave. person: why a person must decide it; empty where no
    rule asks for one. Both in words.
    """

    result: dict[str, Any]
    priority: Priority
    confidence: float
    raised: tuple[str, ...] = ()
    person: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """A decision that a person may pick with one key. given: fields of `Process.hand`. detail: a second line, or ""."""

    given: Mapping[str, str]
    name: str
    detail: str = ""


class Process(Protocol):
    """What the agent does (first half), and what people see of it and do instead (second half)."""

    @property
    def name(self) -> str:
        """As journals, wiring and screens call it: "triage"."""
        ...

    @property
    def prompt(self) -> Prompt:
        """What the model is told. A conversation is bound to its version."""
        ...

    @property
    def taxonomy_version(self) -> str:
        """Of what the model may answer and of the rules over it. A conversation is bound to it, too."""
        ...

    @property
    def terminal(self) -> ToolSpec:
        """The tool that ends a run; its name is `SUBMIT`."""
        ...

    def system(self, canary: str) -> str:
        """The stable instruction, with the canary at its end; "" for none."""
        ...

    def opening(self, ticket: Ticket, context: str, findings: str) -> str:
        """The first user message. context: what was looked up, as JSON text; findings: of earlier tries; or ""."""
        ...

    def read(self, arguments: Any, ticket: Ticket, tier: str, context: str | None, shown: str | None) -> Suggestion:
        """The terminal call's arguments against the ticket, after the rules. Raises `InvalidDecision` with every fault.

        tier: the model's name. context: as looked up, None before it. shown: the ticket's text as the model saw it,
        masked in place; None: as it is.
        """
        ...

    def priority(self, ticket: Ticket, context: str | None) -> Priority:
        """What the rules say where no model has answered."""
        ...

    @property
    def facet_values(self) -> Mapping[str, Sequence[str]]:
        """What the inbox can be filtered by, each with the values it may have in the order people look for them."""
        ...

    @property
    def hand(self) -> type[BaseModel]:
        """What a person gives who decides by hand."""
        ...

    def facets(self, result: Result) -> Mapping[str, str]:
        """Its value of each facet."""
        ...

    def key(self, result: Result) -> str:
        """By what evidence of autonomy is counted."""
        ...

    def headline(self, result: Result) -> str:
        """The result in a few words, to stand inside a sentence."""
        ...

    def agrees(self, suggested: Result, decided: Result) -> bool:
        """Whether the person decided what was suggested, in all that counts as evidence.

        What lacks that agrees with nothing.
        """
        ...

    def by_hand(self, ticket: Ticket, suggested: Result | None, given: Any, person: str) -> dict[str, Any]:
        """A person's decision; what they leave open is as suggested. given: a `hand`. Raises `InvalidDecision`."""
        ...

    def likely(
        self, ticket: Ticket | None, suggested: Result | None, context: str | None, decided: Mapping[str, int]
    ) -> tuple[Choice, ...]:
        """Up to nine decisions for the digits 1-9, best first, without the suggested one.

        decided: how often people decided so, by `key`.
        """
        ...

    def mistaken(self, result: Result, choose: Callable[[Sequence[str]], str]) -> dict[str, Any] | None:
        """The same result with another `key`, plainly wrong, to see whether people read; None where there is none.

        choose: draws one of several.
        """
        ...
