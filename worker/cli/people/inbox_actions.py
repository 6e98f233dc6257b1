"""What a person can do with one item: `deskhand inbox approve ID` and its sisters, `decide` and `resume`."""

import sys
from collections.abc import Callable, Coroutine
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli.context import run
from worker.cli.faults import CommandFailed
from worker.cli.options import BasedOn, Json, Person, TicketId, person_named, seconds_of
from worker.cli.output import dump_ticket, say

if TYPE_CHECKING:
    from fallbacks.inbox.inbox import HandDecision
    from fallbacks.ledger.views import TicketView
    from tasks.ticket import Ticket
    from tasks.triage.taxonomy import Taxonomy
    from worker.http.documents import TicketDocument
    from worker.wiring import Parts

Label = Annotated[str, typer.Option("--label", help="A label of the taxonomy.")]
Priority = Annotated[str | None, typer.Option("--priority", help="low, normal, high or urgent; default: as proposed.")]
Summary = Annotated[str | None, typer.Option("--summary", help="One sentence for the team; default: as proposed.")]
Hint = Annotated[str, typer.Option("--hint", help="What the agent should know.")]


def register(inbox: typer.Typer, app: typer.Typer) -> None:
    """Add the actions to the inbox, and the two that people use most also at the top."""
    for action in (claim, release, approve, edit, reject, repair, resume, snooze, note, undo):
        inbox.command()(action)
    app.command("decide", rich_help_panel="People")(edit)
    app.command("resume", rich_help_panel="People")(resume)


def claim(ticket_id: TicketId, person: Person = None, version: BasedOn = None, json: Json = False) -> None:
    """Hold an item for five minutes."""
    who = person_named(person)
    _act(lambda parts: parts.inbox.claim(ticket_id, who, version), f"is held by {who}", json=json)


def release(ticket_id: TicketId, person: Person = None, version: BasedOn = None, json: Json = False) -> None:
    """Give an item back."""
    who = person_named(person)
    _act(lambda parts: parts.inbox.release(ticket_id, who, version), "is free again", json=json)


def approve(ticket_id: TicketId, person: Person = None, version: BasedOn = None, json: Json = False) -> None:
    """Let the proposed decision stand."""
    who = person_named(person)
    _act(lambda parts: parts.inbox.approve(ticket_id, who, version), "approved", json=json)


def edit(
    ticket_id: TicketId,
    label: Label,
    priority: Priority = None,
    summary: Summary = None,
    rationale: Annotated[str | None, typer.Option(help="Why; default: your name.")] = None,
    person: Person = None,
    version: BasedOn = None,
    json: Json = False,
) -> None:
    """Decide by hand, or correct a proposal."""
    who = person_named(person)

    async def decide(parts: "Parts") -> "TicketView":
        return await parts.inbox.decide(
            ticket_id, who, version, by_hand(parts.taxonomy, label, priority, summary, rationale)
        )

    _act(decide, "decided", json=json)


def reject(
    ticket_id: TicketId,
    why: Annotated[str, typer.Option("--why", help="What is wrong with it; kept in the timeline.")],
    person: Person = None,
    version: BasedOn = None,
    json: Json = False,
) -> None:
    """Refuse a suggestion: it stays for a decision by hand. A message that is no ticket is dismissed."""
    who = person_named(person)
    _act(lambda parts: parts.inbox.reject(ticket_id, who, version, why), "rejected", json=json)


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
        from worker.cli.hints import hint as tell

        settings = parts.settings

        async def publish(work: list[tuple[str, str]]) -> bool:
            return await tell(parts, [queued for _, queued in work])

        return await parts.inbox.repair(
            ticket_id, who, version, ticket, settings.limits, publish, settings.max_wait_seconds
        )

    _act(accept, f"is what {ticket_id} was repaired to", json=json)


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
        from worker.cli.hints import hint as tell

        view = await parts.inbox.resume(ticket_id, who, version, hint, parts.settings.limits, from_step)
        await tell(parts, [ticket_id])
        return view

    _act(send_back, "sent back to the agent", json=json)


def snooze(
    ticket_id: TicketId,
    duration: Annotated[str, typer.Option("--for", help="How long: 15m, 2h, 1d.")] = "1h",
    person: Person = None,
    version: BasedOn = None,
    json: Json = False,
) -> None:
    """Hide an item from `next` for a while, and give it back."""
    who, seconds = person_named(person), seconds_of(duration)
    _act(lambda parts: parts.inbox.snooze(ticket_id, who, version, seconds), f"sleeps for {duration}", json=json)


def note(
    ticket_id: TicketId,
    text: Annotated[str, typer.Argument(help="What to write down.")],
    person: Person = None,
    json: Json = False,
) -> None:
    """Add a note to the timeline of any ticket."""
    who = person_named(person)
    _act(lambda parts: parts.inbox.note(ticket_id, who, text), "has a new note", json=json)


def undo(ticket_id: TicketId, person: Person = None, version: BasedOn = None, json: Json = False) -> None:
    """Take back a decision within ten seconds; somebody else's only as an operator (`deskhand users`)."""
    who = person_named(person)

    async def take_back(parts: "Parts") -> "TicketView":
        from fallbacks.access.roles import Role
        from fallbacks.access.users import Users

        user = await Users(parts.store).get(who)
        operator = user is not None and user.role.covers(Role.OPERATOR)
        return await parts.inbox.undo(ticket_id, who, version, operator=operator)

    _act(take_back, "undone", json=json)


def by_hand(
    taxonomy: "Taxonomy", label: str, priority: str | None, summary: str | None, rationale: str | None = None
) -> "HandDecision":
    """A person's choice, checked. Raises `ValueError` naming labels that look alike."""
    from fallbacks.inbox.inbox import HandDecision
    from tasks.ticket import Priority

    if label not in taxonomy.by_name:
        alike = get_close_matches(label, taxonomy.by_name, n=3, cutoff=0.4)
        meant = f"; did you mean {' or '.join(alike)}?" if alike else ""
        raise ValueError(f"label {label!r} is not in the taxonomy{meant}")
    if priority is not None and priority not in set(Priority):
        raise ValueError(f"no priority {priority!r}; there are: {', '.join(Priority)}")
    return HandDecision(label, Priority(priority) if priority else None, summary, rationale)


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


def _act(work: "Callable[[Parts], Coroutine[Any, Any, TicketView]]", did: str, *, json: bool) -> None:
    from worker.cli.people.items import outcome_line
    from worker.http.documents import read_ticket

    async def acted(parts: "Parts") -> "tuple[TicketView, TicketDocument | None]":
        view = await work(parts)
        return view, await read_ticket(parts.views, view.id) if json else None

    view, document = run(acted)
    dump_ticket(document) if json else say(outcome_line(view, did))
