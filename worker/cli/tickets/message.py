"""`deskhand message`: add to the conversation of a ticket."""

import sys
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from worker.cli.context import publish_hint, run
from worker.cli.options import Json, TicketId
from worker.cli.output import dump, say

if TYPE_CHECKING:
    from fallbacks.inbox.conversations import AddedTo
    from worker.wiring import Parts


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("message", rich_help_panel="Tickets")(add_message)


def add_message(
    ticket_id: TicketId,
    text: Annotated[str, typer.Argument(help="What was added; - reads standard input.")],
    message_id: Annotated[str | None, typer.Option("--id", help="Its own id: the same again adds it once.")] = None,
    name: Annotated[str | None, typer.Option("--from", help="Who wrote it; default: the requester.")] = None,
    json: Json = False,
) -> None:
    """Add what the requester wrote since; what it makes stale is withdrawn and worked anew."""
    from tasks.conversation import Message
    from tasks.ticket import Requester

    body = sys.stdin.read() if text == "-" else text
    author = Requester(name=name) if name else None
    message = Message(id=message_id or f"msg_{uuid4().hex}", body=body, author=author)

    async def add(parts: "Parts") -> "AddedTo":
        from fallbacks.ledger.ledger import LOCAL_DOOR

        added = await parts.threads.add(ticket_id, message, LOCAL_DOOR)
        if added.works:
            await publish_hint(parts, [ticket_id])
        return added

    added = run(add)
    if json:
        dump({"id": added.ticket_id, "message": added.message_id, "state": added.state, "created": added.created})
    else:
        again = "" if added.created else " (it was there before)"
        say(f"{added.ticket_id} has message {added.message_id}{again}: it is {added.state.value}")
