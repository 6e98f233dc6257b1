"""The inbox's filters: a bookmarkable query string on one side, facets of the ledger on the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fallbacks.inbox.wanted import By, Wanted
from fallbacks.plan import InboxQueue
from fallbacks.store import keys
from fallbacks.store.port import Store
from tasks.reasons import Reason
from tasks.run.process import Process

AGES = {"": 0, "15m": 900, "1h": 3600, "4h": 4 * 3600, "1d": 86_400}
SLAS = {"": None, "overdue": 0, "soon": 3_600_000}
READY = (f"queue:{InboxQueue.SUGGESTIONS.value}", f"queue:{InboxQueue.APPROVALS.value}")
"""What a person has only to approve: a suggestion, or a call that waits."""


class View(StrEnum):
    """The lists that everybody has. open: all that is awake."""

    OPEN = ""
    OVERDUE = "overdue"
    READY = "ready"
    PERSON = "person"
    SNOOZED = "snoozed"


BY_INDEX = {"due": By.DUE, "waiting": By.SINCE}
BY_ROW = ("customer", "sure", "with")
"""Columns to sort by: those with an index of their own, and those for which rows are read. Facets are of these."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What a person wants to see. age: waiting at least so long. sla: "overdue", or "soon": due within the hour.

    sort: a column, with "-" before it for the other way round. alike: a ticket whose group is wanted, and nothing else.
    """

    facets: tuple[tuple[str, str], ...] = ()
    age: str = ""
    sla: str = ""
    view: View = View.OPEN
    sort: str = ""
    alike: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str], process: Process) -> "Filters":
        """From a query string or form; what is unknown or empty is left out."""
        facets = tuple((name, query[name][:100]) for name in facet_names(process) if query.get(name))
        age, sla, view, sort = (query.get(name, "") for name in ("age", "sla", "view", "sort"))
        return cls(
            facets,
            age if age in AGES else "",
            sla if sla in SLAS else "",
            View(view) if view in list(View) else View.OPEN,
            sort if sort.removeprefix("-") in (*BY_INDEX, *BY_ROW, *process.facet_names) else "",
            query.get("alike", "")[:128],
        )

    @classmethod
    def parse(cls, query: str, process: Process) -> "Filters":
        """From the text of a query string, as forms carry it."""
        return cls.read(dict(parse_qsl(query[:2000])), process)

    @property
    def query(self) -> str:
        """As a query string, "" where nothing is filtered."""
        others = (
            ("age", self.age),
            ("sla", self.sla),
            ("view", self.view.value),
            ("sort", self.sort),
            ("alike", self.alike),
        )
        return urlencode([*self.facets, *((name, value) for name, value in others if value)])

    @property
    def narrowed(self) -> bool:
        """Whether more is asked for than one of the usual lists."""
        return bool(self.facets or self.age or self.sla or self.alike)

    def asking(self, **changes: Any) -> str:
        """The list's address with something else asked for."""
        query = replace(self, **changes).query
        return "/inbox" + (f"?{query}" if query else "")

    def sorted_by(self, column: str) -> str:
        """The list's address, sorted by a column: the other way round where it is so already."""
        again = column if self.sort else f"-{column}" if column == "due" else column
        return self.asking(sort=f"-{column}" if self.sort == column else again)

    def value(self, name: str) -> str:
        """The chosen value of one facet."""
        return dict(self.facets).get(name, "")

    def wanted(self) -> Wanted:
        """As the inbox is asked for it. What is sorted by a column without an index comes as it is due."""
        due = [ms for ms in (SLAS[self.sla], 0 if self.view is View.OVERDUE else None) if ms is not None]
        column = self.sort.removeprefix("-")
        return Wanted(
            facets=tuple(f"{name}:{value}" for name, value in self.facets),
            without=READY if self.view is View.PERSON else (),
            any_of=READY if self.view is View.READY else (),
            due_in_ms=min(due, default=None),
            waited_ms=AGES[self.age] * 1000 or None,
            asleep=self.view is View.SNOOZED,
            by=BY_INDEX.get(column, By.DUE),
            descending=column in BY_INDEX and self.sort.startswith("-"),
        )


def facet_names(process: Process) -> tuple[str, ...]:
    """What the list can be filtered by, in the order of the screen."""
    return ("queue", "reason", "assignee", *process.facet_names)


async def choices(
    store: Store, process: Process, unseen: Sequence[str] = ()
) -> dict[str, list[tuple[str, int | None]]]:
    """(value, waiting items) for each facet, in the order a person looks for them.

    unseen: facets of groups that they do not work for. Then nothing is counted: that would count items of these, too.
    """
    hidden = set(unseen)
    for kind in process.kinds:
        if any(facet.partition(":")[2] == kind.group for facet in unseen):
            hidden.add(f"{process.keyed_by}:{kind.key}")
    names = {
        "queue": [queue.value for queue in InboxQueue],
        "reason": [reason.value for reason in Reason],
        **{name: list(process.facet_values[name]) for name in process.facet_names},
    }
    flat = [(facet, value) for facet, values in names.items() for value in values]
    sizes = await store.sizes([keys.inbox_facet(f"{facet}:{value}") for facet, value in flat])
    found: dict[str, list[tuple[str, int | None]]] = {facet: [] for facet in names}
    for (facet, value), size in zip(flat, sizes, strict=True):
        if size and f"{facet}:{value}" not in hidden:
            found[facet].append((value, None if unseen else size))
    return found
