"""What a person can do with a call that waits: `deskhand inbox approve-call ID` and its sisters."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli.context import publish_hint
from worker.cli.faults import CommandFailed
from worker.cli.options import BasedOn, Json, Person, TicketId, person_named

if TYPE_CHECKING:
    from fallbacks.ledger.views import TicketView
    from worker.wiring import Parts

Digest = Annotated[
    str | None,
    typer.Option("--digest", metavar="HEX", help="Act only if exactly this call waits; default: the one that does."),
]


def register(inbox: typer.Typer) -> None:
    """Add the commands to the inbox."""
    for action in (approve_call, edit_call, reject_call):
        inbox.command()(action)


def approve_call(
    ticket_id: TicketId, digest: Digest = None, person: Person = None, version: BasedOn = None, json: Json = False
) -> None:
    """Let the call happen that waits, once; `deskhand show` says what it would do."""
    from worker.cli.people.inbox_actions import act

    who = person_named(person)

    async def approve(parts: "Parts") -> "TicketView":
        based_on, shown = await _shown(parts, ticket_id, version, digest)
        view = await parts.inbox.approve_call(ticket_id, who, based_on, shown)
        await publish_hint(parts, [ticket_id])
        return view

    act(ticket_id, who, approve, "has its call approved", json=json)


def edit_call(
    ticket_id: TicketId,
    given: Annotated[list[str], typer.Option("--set", metavar="NAME=VALUE", help="An argument; JSON, or text.")],
    digest: Digest = None,
    person: Person = None,
    version: BasedOn = None,
    json: Json = False,
) -> None:
    """Change arguments of the call that waits. It needs an approval of its own then."""
    from fallbacks.inbox.calls import typed
    from worker.cli.people.inbox_actions import act

    who, pairs = person_named(person), dict(_pair(one) for one in given)

    async def edit(parts: "Parts") -> "TicketView":
        based_on, shown = await _shown(parts, ticket_id, version, digest)
        call = (await parts.views.ticket(ticket_id)).call
        arguments: dict[str, Any] = typed(call.arguments if call else {}, pairs)
        return await parts.inbox.edit_call(ticket_id, who, based_on, shown, arguments)

    act(ticket_id, who, edit, "has its call changed", json=json)


def reject_call(
    ticket_id: TicketId,
    why: Annotated[str, typer.Option("--why", help="Why; the agent reads it.")],
    digest: Digest = None,
    person: Person = None,
    version: BasedOn = None,
    json: Json = False,
) -> None:
    """Refuse the call that waits: the agent is told why, and goes on without it."""
    from worker.cli.people.inbox_actions import act

    who = person_named(person)

    async def reject(parts: "Parts") -> "TicketView":
        based_on, shown = await _shown(parts, ticket_id, version, digest)
        view = await parts.inbox.reject_call(ticket_id, who, based_on, shown, why)
        await publish_hint(parts, [ticket_id])
        return view

    act(ticket_id, who, reject, "has its call refused", json=json)


async def _shown(parts: "Parts", ticket_id: str, version: int | None, digest: str | None) -> tuple[int, str]:
    """What the act is based on: as given, or as it is now."""
    view = await parts.views.ticket(ticket_id)
    waits = view.call.digest if view.call else ""
    return version or view.version, digest or waits


def _pair(given: str) -> tuple[str, str]:
    name, found, value = given.partition("=")
    if not found or not name:
        raise CommandFailed(f"--set {given!r} is not NAME=VALUE")
    return name, value
