"""A narrow process: the one job an agent does. The rails under it and the inbox above it know none of its words.

`tasks/triage/process.py` is the first one. A process is pure, and the same for every ticket of a deployment.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel

from tasks.run.messages import ToolSpec
from tasks.run.ports import Model
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
    rule asks for one. Both in words. missing: what no decision stands without, and this one does not say.
    """

    result: dict[str, Any]
    priority: Priority
    confidence: float
    raised: tuple[str, ...] = ()
    person: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """A decision that a person may pick with one key. given: fields of `Process.hand`. detail: a second line, or ""."""

    given: Mapping[str, str]
    name: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """What `Process.key` may be. about: in words. group: what it stands under on a screen, "" for nothing. alike: texts
    by whose words people may look for it.
    """

    key: str
    about: str
    group: str = ""
    group_about: str = ""
    alike: tuple[str, ...] = ()


class Process(Protocol):
    """What the agent does (first half), and what people see of it and do instead (second half)."""

    name: ClassVar[str]
    """As journals, wiring and screens call it: "triage"."""

    facet_names: ClassVar[tuple[str, ...]]
    """What results are found by besides the inbox's own `queue` and `reason`."""

    keyed_by: ClassVar[str]
    """The facet by whose values evidence of autonomy is counted; screens and exports are headed by its name."""

    result: ClassVar[type[BaseModel]]
    """The model of a result, as documents describe it."""

    hand: ClassVar[type[BaseModel]]
    """What a person gives who decides by hand. Its field `rationale`, if any, takes why a group is decided so."""

    objections: ClassVar[tuple[str, ...]]
    """Up to nine reasons to reject a suggestion, the usual ones first."""

    @property
    def prompt(self) -> Prompt:
        """The words that the model reads first. A conversation is bound to its version."""
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
        """The values each facet may have, in the order people look for them."""
        ...

    @property
    def choices(self) -> Sequence[Choice]:
        """Every decision that can be made by its name alone, as digits and groups do; empty where it takes more."""
        ...

    def facets(self, result: Result) -> Mapping[str, str]:
        """Its value of each facet."""
        ...

    @property
    def kinds(self) -> Sequence[Kind]:
        """Every value of that facet, in the order of screens."""
        ...

    def key(self, result: Result) -> str:
        """By what evidence of autonomy is counted: its value of the facet `keyed_by`."""
        ...

    def fits(self, result: Result) -> bool:
        """Whether it is what its key says; False for a key that says that no other one fits, which proves nothing."""
        ...

    def headline(self, result: Result) -> str:
        """The result in a few words, to stand inside a sentence."""
        ...

    def shown(self, result: Result) -> Mapping[str, str]:
        """The result field by field, as people read it and see what was changed."""
        ...

    def extras(self, result: Result) -> dict[str, Any]:
        """The parts of a result that whoever acts on it reads besides its facets: fields of the deployment's own."""
        ...

    @property
    def columns(self) -> Sequence[str]:
        """What these parts are called in a table."""
        ...

    def cells(self, result: Result) -> Mapping[str, str]:
        """These parts by column, as people read them. result: its extras at least."""
        ...

    def missing(self, result: Result) -> Sequence[str]:
        """What nobody may decide without, and the result does not say."""
        ...

    def quotes(self, result: Result) -> Sequence[str]:
        """Words of the ticket that speak for it."""
        ...

    def without_quotes(self, result: Result, withheld: Callable[[str], bool]) -> dict[str, Any]:
        """The result without those of its quotes that are withheld: they stand where a text looks like an attack."""
        ...

    def agrees(self, suggested: Result, decided: Result) -> bool:
        """Whether the person decided what was suggested, in all that counts as evidence. Both hold their facets, and
        their extras where they were kept.
        """
        ...

    def severe(self, suggested: Result, decided: Result) -> bool:
        """Whether this disagreement is one that nobody can afford twice. Both hold their facets."""
        ...

    def typed(self, given: Mapping[str, str]) -> dict[str, Any]:
        """What a person typed, as values of `hand`. A part of a field is named `FIELD.PART`; "" leaves a field open,
        and empties a part.
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


@dataclass(frozen=True, slots=True)
class ProcessDefinition:
    """A process as its package offers it, by an entry point of the group `deskhand.processes`.

    make: makes it of its settings, or of None where it has none. settings: of the variables DESKHAND_PROCESS_<NAME>_*.
    cards: the folder of its card, NAME.html. tools: what it may call where DESKHAND_TOOLS is not set.
    local: what works its tickets where the tier is `local`; without it a remote model is needed.
    min_confidence: below it `local` abstains.
    """

    kind: type[Process]
    make: Callable[[Any], Process]
    settings: type[BaseModel] | None = None
    cards: Path | None = None
    tools: tuple[str, ...] = ()
    local: Callable[[], Model] | None = None
    min_confidence: float = 0.6
