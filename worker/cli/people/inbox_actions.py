"""What a person can do with one item: `deskhand inbox approve ID` and its sisters, `decide` and `resume`."""

import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fallbacks.ledger.states import Closed
from worker.cli.context import publish_hint, run
from worker.cli.faults import CommandFailed
from worker.cli.options import BasedOn, Json, Person, TicketId, person_named, seconds_of
from worker.cli.output import dump_ticket, say
from worker.cli.people.by_process import TakesDecision, given
from worker.cli.people.reaching import reach_named

if TYPE_CHECKING:
    from fallbacks.ledger import states
    from fallbacks.ledger.views import TicketView
    from tasks.ticket import Ticket
    from worker.http.tickets.documents import TicketDocument
    from worker.wiring import Parts

Hint = Annotated[str, typer.Option("--hint", help="What the agent should know.")]


def register(inbox: typer.Typer, app: typer.Typer) -> None:
    """Add the actions to the inbox, and the two that people use most also at the top."""
    for action in (claim, release, approve, reject, close, repair, resume, snooze, assign, note, undo):
        inbox.command()(action)
    inbox.command(cls=TakesDecision)(edit)
    app.command("decide", cls=TakesDecision, rich_help_panel="People")(edit)
    app.command("close", rich_help_panel="People")(close)
    app.command("correct", cls=TakesDecision, rich_help_panel="People")(correct)
    app.command("resume", rich_help_panel="People")(resume)


def claim(ticket_id: TicketId, person: Person = None, version: BasedOn = None, json: Json = False) -> None:
    """Hold an item for five minutes."""
    who = person_named(person)
    act(ticket_id, who, lambda parts: parts.inbox.claim(ticket_id, who, version), f"is held by {who}", json=json)


def release(ticket_id: TicketId, person: Person = None, version: BasedOn = None, json: Json = False) -> None:
    """Give an item back."""
    who = person_named(person)
    act(ticket_id, who, lambda parts: parts.inbox.release(ticket_id, who, version), "is free again", json=json)


def approve(ticket_id: TicketId, person: Person = None, version: BasedOn = None, json: Json = False) -> None:
    """Let the suggestion stand."""
    who = person_named(person)
    act(ticket_id, who, lambda parts: parts.inbox.approve(ticket_id, who, version), "approved", json=json)


def edit(
    ctx: typer.Context,
    ticket_id: TicketId,
    person: Person = None,
    version: BasedOn = None,
    json: Json = False,
) -> None:
    """Decide by hand what is suggested, or otherwise."""
    who, fields = person_named(person), given(ctx)

    async def decide(parts: "Parts") -> "TicketView":
        from fallbacks.inbox.decisions import read_hand

        return await parts.inbox.decide(ticket_id, who, version, read_hand(parts.process, fields))

    act(ticket_id, who, decide, "decided", json=json)


def reject(
    ticket_id: TicketId,
    why: Annotated[str, typer.Option("--why", help="What is wrong with it; kept in the timeline.")],
    person: Person = None,
    version: BasedOn = None,
    json: Json = False,
) -> None:
    """Refuse a suggestion: it stays for a decision by hand. A message that is no ticket is dismissed."""
    who = person_named(person)
    act(ticket_id, who, lambda parts: parts.inbox.reject(ticket_id, who, version, why), "rejected", json=json)


def close(
    ticket_id: TicketId,
    kind: Annotated[Closed, typer.Option("--kind", help="Why it needs no decision.")],
    of: Annotated[str, typer.Option("--of", metavar="ID", help="The ticket that a duplicate is one of.")] = "",
    person: Person = None,
    version: BasedOn = None,
    json: Json = False,
) -> None:
    """End an item without a decision: spam, thanks, a duplicate, what a machine sent."""
    who = person_named(person)
    act(ticket_id, who, lambda parts: parts.inbox.close(ticket_id, who, version, kind, of), "closed", json=json)


def correct(
    ctx: typer.Context,
    ticket_id: TicketId,
    why: Annotated[str, typer.Option("--reason", help="Why; kept in the timeline, and sent upstream.")],
    person: Person = None,
    version: BasedOn = None,
    json: Json = False,
) -> None:
    """Another decision than the one that stands, of an archived ticket too; upstream gets `ticket.corrected`."""
    who, fields = person_named(person), given(ctx)

    async def decide_again(parts: "Parts") -> "TicketView":
        from fallbacks.inbox.decisions import read_hand

        return await parts.inbox.correct(ticket_id, who, version, read_hand(parts.process, fields), why)

    act(ticket_id, who, decide_again, "corrected", json=json)


def repair(
    ticket_id: TicketId,
    file: Annotated[Path, typer.Option("--file", help="The corrected ticket as JSON; - is standard input.")],
    person: Person = None,
    version: BasedOn = None,
    json: Json = False,
) -> None:
    """Accept the corrected ticket of a message that could not be read, and end the message."""
    who, ticket = person_named(person), corrected(file)

    async def accept(parts: "Parts") -> "TicketView":
        settings = parts.settings

        async def publish(work: "list[states.Hint]") -> bool:
            return await publish_hint(parts, [queued for _, queued in work])

        return await parts.inbox.repair(
            ticket_id, who, version, ticket, settings.limits, publish, settings.max_wait_seconds
        )

    act(ticket_id, who, accept, f"is what {ticket_id} was repaired to", json=json)


def resume(
    ticket_id: TicketId,
    hint: Hint = "",
    from_step: Annotated[int, typer.Option(min=0, help="Go back before this step; 0 keeps the conversation.")] = 0,
    person: Person = None,
    version: BasedOn = None,
    json: Json = False,
) -> None:
    """Send it back to the agent with fresh limits; finished model calls are not paid again."""
    who = person_named(person)

    async def send_back(parts: "Parts") -> "TicketView":
        view = await parts.inbox.resume(ticket_id, who, version, hint, parts.settings.limits, from_step)
        await publish_hint(parts, [ticket_id])
        return view

    act(ticket_id, who, send_back, "sent back to the agent", json=json)


def snooze(
    ticket_id: TicketId,
    duration: Annotated[str, typer.Option("--for", help="How long: 15m, 2h, 1d.")] = "1h",
    person: Person = None,
    version: BasedOn = None,
    json: Json = False,
) -> None:
    """Hide an item from `next` for a while, and give it back."""
    who, seconds = person_named(person), seconds_of(duration)
    act(
        ticket_id,
        who,
        lambda parts: parts.inbox.snooze(ticket_id, who, version, seconds),
        f"sleeps for {duration}",
        json=json,
    )


def assign(
    ticket_id: TicketId,
    to: Annotated[str, typer.Argument(help="A person's name, or a team as `team:NAME`; nothing: nobody.")] = "",
    person: Person = None,
    version: BasedOn = None,
    json: Json = False,
) -> None:
    """Leave an item to a person, who is served it first and others not; or to a team, in whose list it waits."""
    who = person_named(person)
    act(
        ticket_id,
        who,
        lambda parts: parts.inbox.assign(ticket_id, who, version, to),
        f"is for {to or 'nobody'}",
        json=json,
    )


def note(
    ticket_id: TicketId,
    text: Annotated[str, typer.Argument(help="What to write down.")],
    person: Person = None,
    json: Json = False,
) -> None:
    """Add a note to the timeline of any ticket."""
    who = person_named(person)
    act(ticket_id, who, lambda parts: parts.inbox.note(ticket_id, who, text), "has a new note", json=json)


def undo(ticket_id: TicketId, person: Person = None, version: BasedOn = None, json: Json = False) -> None:
    """Take back a decision within ten seconds; somebody else's only as an operator (`deskhand users`)."""
    who = person_named(person)

    async def take_back(parts: "Parts") -> "TicketView":
        from fallbacks.access.roles import Role
        from fallbacks.access.users import Users

        user = await Users(parts.store).get(who)
        operator = user is not None and user.role.covers(Role.OPERATOR)
        return await parts.inbox.undo(ticket_id, who, version, operator=operator)

    act(ticket_id, who, take_back, "undone", json=json)


def corrected(file: Path) -> "Ticket":
    """A ticket from a JSON file or standard input. Raises `CommandFailed` with one line for each fault."""
    from pydantic import ValidationError

    from tasks.ticket import Ticket

    text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    try:
        return Ticket.model_validate_json(text)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        places = (".".join(str(part) for part in fault["loc"]) or "the ticket" for fault in faults)
        lines = [f"{place}: {fault['msg']}" for place, fault in zip(places, faults, strict=True)]
        raise CommandFailed(*lines) from None


def act(
    ticket_id: str, who: str, work: "Callable[[Parts], Coroutine[Any, Any, TicketView]]", did: str, *, json: bool
) -> None:
    """Do it, where it is among what they work on, and say or print what is so now."""
    from worker.cli.people.items import outcome_line
    from worker.http.tickets.documents import read_ticket

    async def acted(parts: "Parts") -> "tuple[str, TicketDocument | None]":
        (await reach_named(parts, who)).check(await parts.views.ticket(ticket_id))
        view = await work(parts)
        return outcome_line(view, did, parts.process), await read_ticket(parts.views, view.id) if json else None

    line, document = run(acted)
    dump_ticket(document) if json else say(line)
