"""The terminal inbox's lists: finding one ticket by its words, and acting on many by the keys of the console's list."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fallbacks.inbox.wanted import Wanted
from fallbacks.ledger.acts import Act
from worker.cli.context import Session
from worker.cli.options import seconds_of
from worker.cli.output import say
from worker.cli.people.asking import MOST_SHOWN, Keys, a_choice, one_of
from worker.cli.people.many import ASKED_ABOVE, SAMPLE, do_to_many, listed, summary

if TYPE_CHECKING:
    from fallbacks.inbox.bulk import Many
    from fallbacks.inbox.reach import Reach
    from fallbacks.ledger.views import TicketView

SHOWN = 40
"""Items of a list in the terminal, the most urgent ones."""

VERBS = "a approve   l decide as   z close   s snooze   m assign"


def search(session: Session, keys: Keys, reach: "Reach") -> str | None:
    """A ticket by words, id or who asks, of all there are; None where nothing is chosen."""
    from fallbacks.history.port import Search
    from worker.cli.printable import one_line

    words = keys.line("search: ")
    if not words:
        return None
    found = session.run(session.parts.search.find(Search(q=words, limit=MOST_SHOWN), reach.covers))
    if not found.hits:
        say(f"no ticket is found by {words!r}")
        return None
    lines = [
        (hit.id, f"{hit.id}  {hit.facts.state}  {one_line(hit.facts.subject or hit.facts.text, 60)}")
        for hit in found.hits
    ]
    return one_of(keys, lines)


def show_ended(session: Session, view: "TicketView") -> None:
    """A ticket that does not wait for anybody."""
    from worker.cli.cards import decision_card, ticket_card, timeline_table
    from worker.cli.output import show
    from worker.cli.tickets.show import read_story, unread

    story, process = session.run(read_story(session.parts, view.id)), session.parts.process
    cards = [ticket_card(view, unread(view), process), *([decision_card(view, process)] if view.decision else [])]
    show("", *cards, timeline_table(story.lines))
    say(f"{view.id} is {view.state.value}: deskhand correct {view.id} changes a decision")


def act_on_many(
    session: Session, keys: Keys, reach: "Reach", facet: str | None
) -> "tuple[Act, list[TicketView]] | None":
    """Choose of the list, then an act; what it was done to. None where nothing was done."""
    inbox, process = session.parts.inbox, session.parts.process
    items = session.run(inbox.find(reach.narrowed(Wanted((facet,) if facet else ())), 0, SHOWN)).items
    say(*(f"{number:3} {line}" for number, line in enumerate(listed(items, process), 1)))
    chosen = [items[place] for place in places_of(keys.line("which (1-4 7, or all): ") or "", len(items))]
    many = _asked(session, keys) if chosen else None
    if many is None or not _sure(keys, many, listed(chosen, process)):
        say("nothing done")
        return None
    results = session.run(do_to_many(inbox, reach, chosen, many))
    say(*summary(many.act, results, process))
    return many.act, [result.view for result in results if result.view is not None]


def places_of(typed: str, size: int) -> list[int]:
    """`1-4 7`, or `all`, as places from 0; [] for what is not such."""
    if typed.strip() == "all":
        return list(range(size))
    found: list[int] = []
    for part in typed.replace(",", " ").split():
        first, _, last = part.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal() or len(part) > 9:
            return []
        found += range(int(first) - 1, int(last or first))
    return sorted({place for place in found if 0 <= place < size})


def _asked(session: Session, keys: Keys) -> "Many | None":
    from fallbacks.inbox.bulk import Many
    from fallbacks.inbox.decisions import read_hand
    from fallbacks.inbox.narrate import CLOSE_KEYS, CLOSED

    say(VERBS)
    match keys.key():
        case "a":
            return Many(Act.APPROVE)
        case "l":
            choice = a_choice(keys, session.parts.process)
            return Many(Act.EDIT, given=read_hand(session.parts.process, choice.given)) if choice else None
        case "z":
            kind = one_of(keys, [(kind, CLOSED[kind]) for kind in CLOSE_KEYS])
            return Many(Act.CLOSE, kind=kind) if kind else None
        case "s":
            typed = keys.line("for how long (90m, 5h, 2d): ")
            return Many(Act.SNOOZE, seconds=seconds_of(typed)) if typed else None
        case "m":
            to = keys.line("to (a name, team:NAME, or nothing for nobody): ")
            return None if to is None else Many(Act.ASSIGN, to=to)
        case _:
            return None


def _sure(keys: Keys, many: "Many", lines: Sequence[str]) -> bool:
    """More than a few are asked for, with some of them shown."""
    if len(lines) <= ASKED_ABOVE:
        return True
    say(*lines[:SAMPLE], f"{many.act.value} all {len(lines)}? y, or any other key")
    return keys.key() == "y"
