"""Which items a person or an API key works on: those of their groups, such as teams, those of no group, and their own.

Whoever has no groups set works on everything. A suggestion that nobody may see puts an item into no group.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from fallbacks.errors import OtherGroup
from fallbacks.history.port import Facts
from fallbacks.inbox.ownership import groups_of
from fallbacks.inbox.wanted import Wanted, Within
from fallbacks.ledger.views import TicketView
from fallbacks.store import keys
from tasks.language import _
from tasks.run.process import Process


@dataclass(frozen=True, slots=True)
class Reach:
    """person: as they act, or the name of an API key, for everybody who acts through it. unseen: facets of groups that
    they do not work for, e.g. "team:cards"; none: they see all.

    Beyond it is only what was left to them by name, or decided by them.
    """

    process: Process
    person: str
    unseen: tuple[str, ...] = ()

    def narrowed(self, wanted: Wanted) -> Wanted:
        """The same list as far as they may see it."""
        if f"{keys.ASSIGNEE}{self.person}" in wanted.facets:
            return wanted
        return replace(wanted, within=within(self.process, self.unseen))

    def beyond(self, view: TicketView) -> str | None:
        """The group whose the ticket is, where that is none of theirs."""
        owners = (view.assignee, view.undo_by, (view.decision or {}).get("decided_by"))
        if not self.unseen or any(map(self._own, owners)):
            return None
        suggested = self.process.facets(view.decision) if view.decision else {}
        groups = {name: f"{name}:{value}" for name, value in suggested.items()}
        if view.given:
            groups[view.given.partition(":")[0]] = view.given
        return next((group for group in groups.values() if group in self.unseen), None)

    def check(self, view: TicketView) -> None:
        """Raises `OtherGroup`."""
        group = self.beyond(view)
        if group is not None:
            raise OtherGroup(view.id, group)

    def covers(self, facts: Facts) -> bool:
        """The same of a ticket that a search found."""
        return self._own(facts.decided_by) or not any(
            f"{name}:{value}" in self.unseen for name, value in facts.facets.items()
        )

    def _own(self, name: str | None) -> bool:
        return name is not None and (name == self.person or name.startswith(f"{self.person}:"))


def reach_of(process: Process, person: str, groups: Collection[str]) -> Reach:
    """Who works for these groups. Of a kind of group that none of them is of, they see all."""
    kinds = {group.partition(":")[0] for group in groups}
    known = {f"{name}:{value}" for name, values in groups_of(process).items() if name in kinds for value in values}
    return Reach(process, person, tuple(sorted(known.difference(groups))))


def within(process: Process, unseen: Sequence[str]) -> Within | None:
    """What is left to see without these facets; None for everything."""
    if not unseen:
        return None
    names, groups = {facet.partition(":")[0] for facet in unseen}, groups_of(process)
    name = names.pop()
    if names or name not in groups:
        return Within((), tuple(unseen))
    seen = (facet for value in (*groups[name], "") if (facet := f"{name}:{value}") not in unseen)
    return Within(tuple(seen), tuple(unseen))


def read_groups(process: Process, texts: Collection[str]) -> tuple[str, ...]:
    """Groups as people write them, `cards` or `team:cards`, in order and once. Raises `ValueError`."""
    known: Mapping[str, str] = {
        text: f"{name}:{value}"
        for name, values in groups_of(process).items()
        for value in values
        for text in (value, f"{name}:{value}")
    }
    wrong = [text for text in texts if text not in known]
    if wrong:
        there = ", ".join(value for values in groups_of(process).values() for value in values)
        raise ValueError(_("there is no team %(name)s; there are: %(all)s", name=repr(wrong[0]), all=there))
    return tuple(sorted({known[text] for text in texts}))
