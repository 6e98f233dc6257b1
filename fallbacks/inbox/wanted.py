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
class Wanted:
    """Of what waits, all that is so.

    facets: it stands under each of them, e.g. "queue:review"; without: and under none of these; any_of: and under one
    of these, unless there are none. due_in_ms: due by then, 0 for what is overdue. waited_ms: for at least so long.
    asleep: whether it is snoozed; None: either way. descending: the other way round.
    """

    facets: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
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
