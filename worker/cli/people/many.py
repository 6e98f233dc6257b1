"""`deskhand inbox bulk`: one act on many tickets, named one by one, by a filter or by standard input."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from fallbacks.ledger.acts import Act
from fallbacks.ledger.states import Closed
from worker.cli.context import session
from worker.cli.faults import CommandFailed
from worker.cli.options import Json, Person, person_named, seconds_of
from worker.cli.output import dump, say
from worker.cli.people.by_process import TakesFacets, facet, given
from worker.cli.people.reaching import reach_named

if TYPE_CHECKING:
    from fallbacks.inbox.bulk import Did, Many
    from fallbacks.inbox.inbox import Inbox
    from fallbacks.inbox.reach import Reach
    from fallbacks.ledger.views import TicketView
    from tasks.run.process import Process
    from worker.wiring import Parts

ASKED_ABOVE = 10
"""More than so many are asked for once more, as in the console."""

SAMPLE = 5

SAID = {
    Act.APPROVE: "approved",
    Act.EDIT: "decided",
    Act.CLOSE: "closed",
    Act.SNOOZE: "snoozed",
    Act.ASSIGN: "assigned",
    Act.UNDO: "undone",
}
"""What was done, by what can be done to many."""


def register(inbox: typer.Typer) -> None:
    """Add the command to the inbox."""
    inbox.command("bulk", cls=TakesFacets)(bulk)


def bulk(
    ctx: typer.Context,
    act: Annotated[Act, typer.Argument(metavar="ACT", help="approve, edit, close, snooze, assign or undo.")],
    ticket_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="- reads them from standard input, one a line.")
    ] = None,
    queue: Annotated[str | None, typer.Option("--queue", help="All of this inbox queue, e.g. suggestions.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="All of this reason, e.g. low_confidence.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="Of a filter, at most so many.")] = 500,
    choice: Annotated[str | None, typer.Option("--choice", metavar="LABEL", help="edit: decide each so.")] = None,
    kind: Annotated[Closed | None, typer.Option("--kind", help="close: why they need no decision.")] = None,
    duration: Annotated[str, typer.Option("--for", help="snooze: how long: 15m, 2h, 1d.")] = "1h",
    to: Annotated[str, typer.Option("--to", help="assign: a name, a team as `team:NAME`; nothing: nobody.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, however many there are.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show which these are, and do nothing.")] = False,
    person: Person = None,
    json: Json = False,
) -> None:
    """One act on many tickets. Each is done or refused by itself: what changes meanwhile is left alone and named.

    `deskhand search --ids ... | deskhand inbox bulk ACT -` acts on what a search finds. `undo` without ids takes back
    what you ended in the last ten seconds.
    """
    if act not in SAID:
        raise typer.BadParameter(f"{act.value} is done to one at a time; to many: {', '.join(SAID)}")
    who, facets = person_named(person), _facets({"queue": queue, "reason": reason, **given(ctx)})
    seconds, named = seconds_of(duration), _ids(ticket_ids)
    if not named and not facets and act is not Act.UNDO:
        raise typer.BadParameter("say which: ids, - for standard input, or a filter such as --queue suggestions")
    with session() as opened:
        many = opened.run(_many(opened.parts, act, who, choice, kind, seconds, to))
        reach = opened.run(reach_named(opened.parts, who))
        views = opened.run(_chosen(opened.parts, reach, named, facets, limit))
        if dry_run:
            _shown(views, opened.parts.process, len(views))
            return
        if len(views) > ASKED_ABOVE and act is not Act.UNDO and not yes:
            _confirm(act, views, opened.parts.process)
        results = opened.run(do_to_many(opened.parts.inbox, reach, views, many))
        _say(act, results, opened.parts.process, json=json)
    if results and not any(result.view for result in results):
        raise typer.Exit(1)


async def do_to_many(inbox: "Inbox", reach: "Reach", views: "Sequence[TicketView]", many: "Many") -> "list[Did]":
    """To each as it was seen, where it is among what they work on."""
    from fallbacks.inbox.bulk import Based, do_each, doing, within

    do = within(reach, inbox.views.ticket, doing(inbox, reach.person, many))
    return await do_each([Based(view.id, view.version) for view in views], do)


def summary(act: Act, results: "Sequence[Did]", process: "Process") -> list[str]:
    """What was done and what was not, in lines."""
    from fallbacks.inbox.bulk import done, repeats

    views = done(results)
    again = repeats(views, process) if act in (Act.APPROVE, Act.EDIT) else 0
    lines = [f"{len(views)} {SAID[act]}" + (f"; {again} of the same text count once as evidence" if again else "")]
    return lines + [f"not {result.item.id}: {result.why}" for result in results if result.view is None]


def listed(views: "Sequence[TicketView]", process: "Process") -> list[str]:
    """A line for each: its id, why it waits or its suggestion, and what it is about."""
    from worker.cli.people.items import subject, suggestion
    from worker.cli.printable import one_line

    whys = [view.reason.value if view.reason else suggestion(view, process) or "decide blind" for view in views]
    pairs = zip(views, whys, strict=True)
    return [f"{view.id}  {one_line(why, 32)}  {one_line(subject(view), 60)}" for view, why in pairs]


def _ids(given_ids: Sequence[str] | None) -> list[str]:
    if given_ids and list(given_ids) == ["-"]:
        return [line.split()[0] for line in sys.stdin if line.strip()]
    return list(given_ids or ())


def _facets(wanted: Mapping[str, str | None]) -> list[str]:
    return [facet(name, value) for name, value in wanted.items() if value is not None]


async def _many(
    parts: "Parts", act: Act, who: str, choice: str | None, kind: Closed | None, seconds: float, to: str
) -> "Many":
    from fallbacks.access.roles import Role
    from fallbacks.access.users import Users
    from fallbacks.inbox.bulk import Many
    from fallbacks.inbox.decisions import read_hand

    if act is Act.EDIT:
        process = parts.process
        chosen = next((each for each in process.choices if each.name == choice), None)
        if chosen is None:
            raise typer.BadParameter(f"--choice: there is no {process.keyed_by} {choice!r}")
        return Many(act, given=read_hand(process, chosen.given))
    if act is Act.CLOSE and kind is None:
        raise typer.BadParameter("--kind: say why they need no decision")
    user = await Users(parts.store).get(who) if act is Act.UNDO else None
    operator = user is not None and user.role.covers(Role.OPERATOR)
    return Many(act, kind=kind or Closed.OTHER, seconds=seconds, to=to, operator=operator)


async def _chosen(
    parts: "Parts", reach: "Reach", named: Sequence[str], facets: Sequence[str], limit: int
) -> "list[TicketView]":
    from fallbacks.inbox.bulk import MOST
    from fallbacks.inbox.wanted import Wanted

    if len(named) > MOST:
        raise CommandFailed(f"{len(named)} tickets: at most {MOST} at once")
    if named:
        return [await parts.views.ticket(ticket_id) for ticket_id in dict.fromkeys(named)]
    if facets:
        return (await parts.inbox.find(reach.narrowed(Wanted(tuple(facets))), 0, limit)).items
    return await just_ended(parts.inbox, reach.person)


async def just_ended(inbox: "Inbox", who: str) -> "list[TicketView]":
    """What a person ended in the last ten seconds and may take back."""
    from fallbacks.inbox.bulk import MOST
    from fallbacks.inbox.endings import UNDO_MS
    from fallbacks.ledger.states import State
    from fallbacks.store import keys

    since = await inbox.store.now_ms() - UNDO_MS
    ended = [await inbox.store.ranked(keys.in_state(state), -MOST, -1) for state in (State.DECIDED, State.CLOSED)]
    views = await inbox.items([ticket_id for found in ended for ticket_id, at_ms in found if at_ms >= since])
    return [view for view in views if view.undo_by == who]


def _shown(views: "Sequence[TicketView]", process: "Process", most: int) -> None:
    say(*listed(views[:most], process), f"{len(views)} tickets")


def _confirm(act: Act, views: "Sequence[TicketView]", process: "Process") -> None:
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"{len(views)} tickets would be {SAID[act]}: say --yes, or --dry-run to look first")
    _shown(views, process, SAMPLE)
    typer.confirm(f"{act.value.capitalize()} {len(views)}?", abort=True)


def _say(act: Act, results: "Sequence[Did]", process: "Process", *, json: bool) -> None:
    if json:
        dump(
            [
                {
                    "id": result.item.id,
                    "done": result.view is not None,
                    "state": result.view.state.value if result.view else None,
                    "version": result.view.version if result.view else None,
                    "refused": result.refusal.value if result.refusal else None,
                    "detail": result.why,
                }
                for result in results
            ]
        )
        return
    say(*summary(act, results, process))
    if act in (Act.APPROVE, Act.EDIT, Act.CLOSE) and any(result.view for result in results):
        say("for ten seconds all of it is taken back by: deskhand inbox bulk undo")
