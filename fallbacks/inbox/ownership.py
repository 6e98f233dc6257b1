"""Whose an item is while it waits: a person's, who is served it first and others not, or a group's, such as a team's.

Giving an item to a group is no end: the outside contract says of every decision what it is decided as, and evidence is
counted by that. So what nobody can say yet goes, undecided, to those who can: it stands in their lists.
"""

from collections.abc import Iterable

from fallbacks.ledger.results import facets_of
from fallbacks.ledger.views import TicketView
from fallbacks.store import keys
from tasks.language import _
from tasks.run.process import Process


def groups_of(process: Process) -> dict[str, tuple[str, ...]]:
    """To whom an item may be given besides persons, by facet: triage's teams."""
    return {name: tuple(process.facet_values[name]) for name in process.facet_names if name != process.keyed_by}


def owners(process: Process, view: TicketView, to: str) -> tuple[str | None, str | None]:
    """(person, group) after an item is left to somebody. to: a person, who has it within its group; `team:cards`, any
    of whom may have it; or "", nobody. Raises `ValueError` for a group that there is not.
    """
    name, named, value = to.partition(":")
    groups = groups_of(process)
    if not named or name not in groups:
        return to or None, view.given if to else None
    if value not in groups[name]:
        raise ValueError(
            _(
                "there is no %(kind)s %(name)s; there are: %(known)s",
                kind=name,
                name=repr(value),
                known=", ".join(groups[name]),
            )
        )
    return None, to


def owner_words(to: str) -> str:
    """`team:money_transfers` as people read it."""
    return to.replace(":", " ").replace("_", " ") if ":" in to else to


def owned(process: Process, view: TicketView, facets: Iterable[str]) -> tuple[str, ...]:
    """The facets of an item with those that say whose it is. The group's stands in the place of the suggestion's."""
    marks = (keys.ASSIGNED, keys.ASSIGNEE, keys.GIVEN)
    ours = [each for each in facets if not each.startswith(marks) and each.partition(":")[0] not in process.facet_names]
    found = facets_of(process, view.decision)
    if view.given:
        found[view.given.partition(":")[0]] = view.given
        ours.append(f"{keys.GIVEN}{view.given}")
    person = (keys.ASSIGNED, f"{keys.ASSIGNEE}{view.assignee}") if view.assignee else ()
    return (*ours, *found.values(), *person)
