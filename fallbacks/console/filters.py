"""The inbox's filters: a bookmarkable query string on one side, facets of the ledger on the other."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from fallbacks.plan import InboxQueue
from fallbacks.store import keys
from fallbacks.store.port import Store
from tasks.reasons import Reason
from tasks.run.process import Process

AGES = {"": 0, "15m": 900, "1h": 3600, "4h": 4 * 3600, "1d": 86_400}
SLAS = ("", "overdue", "soon")


@dataclass(frozen=True, slots=True)
class Filters:
    """What a person wants to see. age: waiting at least so long. sla: "overdue", or "soon": due within the hour."""

    facets: tuple[tuple[str, str], ...] = ()
    age: str = ""
    sla: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str], process: Process) -> "Filters":
        """From a query string or form; what is unknown or empty is left out."""
        facets = tuple((name, query[name][:100]) for name in facet_names(process) if query.get(name))
        age, sla = query.get("age", ""), query.get("sla", "")
        return cls(facets, age if age in AGES else "", sla if sla in SLAS else "")

    @classmethod
    def parse(cls, query: str, process: Process) -> "Filters":
        """From the text of a query string, as forms carry it."""
        return cls.read(dict(parse_qsl(query[:2000])), process)

    @property
    def indexes(self) -> list[str]:
        """As the inbox names them."""
        return [f"{name}:{value}" for name, value in self.facets]

    @property
    def query(self) -> str:
        """As a query string, "" where nothing is filtered."""
        return urlencode([*self.facets, *((n, v) for n, v in (("age", self.age), ("sla", self.sla)) if v)])

    @property
    def scans(self) -> bool:
        """Whether items must be looked at one by one."""
        return bool(self.age or self.sla)

    def value(self, name: str) -> str:
        """The chosen value of one facet."""
        return dict(self.facets).get(name, "")

    def passes(self, *, waiting_since_ms: int, due_by_ms: int | None, now_ms: int) -> bool:
        """Whether an item's times are as wanted."""
        due = float("inf") if due_by_ms is None else due_by_ms
        margin = {"": float("inf"), "overdue": 0, "soon": 3_600_000}[self.sla]
        return now_ms - waiting_since_ms >= AGES[self.age] * 1000 and due - now_ms <= margin


def facet_names(process: Process) -> tuple[str, ...]:
    """What the list can be filtered by, in the order of the screen."""
    return ("queue", "reason", *process.facet_names)


async def choices(store: Store, process: Process) -> dict[str, list[tuple[str, int]]]:
    """(value, waiting items) for each facet, in the order a person looks for them."""
    names = {
        "queue": [queue.value for queue in InboxQueue],
        "reason": [reason.value for reason in Reason],
        **{name: list(process.facet_values[name]) for name in process.facet_names},
    }
    flat = [(facet, value) for facet, values in names.items() for value in values]
    sizes = await store.sizes([keys.inbox_facet(f"{facet}:{value}") for facet, value in flat])
    found: dict[str, list[tuple[str, int]]] = {facet: [] for facet in names}
    for (facet, value), size in zip(flat, sizes, strict=True):
        if size:
            found[facet].append((value, size))
    return found
