"""Which items of the inbox somebody wants, and in what order: one description behind lists, counts and serve-next."""

from dataclasses import dataclass
from enum import StrEnum

from fallbacks.store import keys
from fallbacks.store.port import lua_header


class By(StrEnum):
    """What the order of a list goes by. due: when a person should have looked. since: how long it has waited."""

    DUE = "due"
    SINCE = "since"


@dataclass(frozen=True, slots=True)
class Within:
    """What somebody sees, by facets of which an item stands under one at most: none of `unseen`.

    seen: all the others, the last of what is of no group: what they see is merged from these. Empty where they are not
    known: then all is looked through.
    """

    seen: tuple[str, ...]
    unseen: tuple[str, ...]

    def to_values(self) -> dict[str, list[str]]:
        """As the scripts read it."""
        return {name: [keys.inbox_facet(facet) for facet in getattr(self, name)] for name in ("seen", "unseen")}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of what waits, all that is so.

    facets: it stands under each of them, e.g. "queue:review"; without: and under none of these; any_of: and under one
    of these, unless there are none. within: what is seen at all; None: everything. due_in_ms: due by then, 0 for what
    is overdue. waited_ms: for at least so long. asleep: whether it is snoozed; None: either way. descending: the other
    way round.
    """

    facets: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    within: Within | None = None
    due_in_ms: int | None = None
    waited_ms: int | None = None
    asleep: bool | None = None
    by: By = By.DUE
    descending: bool = False

    def to_header(self) -> str:
        """As the scripts read it."""
        return lua_header(
            {
                "all": [keys.inbox_facet(facet) for facet in self.facets],
                "none": [keys.inbox_facet(facet) for facet in self.without],
                "any": [keys.inbox_facet(facet) for facet in self.any_of] or None,
                "within": self.within.to_values() if self.within else None,
                "due_in": self.due_in_ms,
                "waited": self.waited_ms,
                "asleep": self.asleep,
                "by": self.by.value,
                "desc": self.descending or None,
            }
        )


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items there are. awake: all but the snoozed ones; ready and overdue are of these."""

    awake: int
    ready: int
    overdue: int
    snoozed: int
