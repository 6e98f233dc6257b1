"""`deskhand shard`: which of several Deskhands has a ticket."""

from typing import Annotated

import typer

from worker.cli.context import load
from worker.cli.options import Json, TicketId
from worker.cli.output import dump, say


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Tickets")(shard)


def shard(
    ticket_id: TicketId,
    url: Annotated[list[str], typer.Option(help="A shard; name every one. Their key: DESKHAND_CLIENT_KEY.")],
    json: Json = False,
) -> None:
    """Which of several Deskhands has a ticket, and how it stands there; exits 1 where none knows it."""
    from worker.clients import NoSuchTicket, ShardedClient

    key = load().client_key
    with ShardedClient(url, key.get_secret_value() if key else None) as client:
        home, state = client.home(ticket_id), None
        try:
            home, found = client.find(ticket_id)
            state = str(found.state)
        except NoSuchTicket:
            pass
    if json:
        dump({"id": ticket_id, "address": home, "state": state})
    else:
        say(f"{ticket_id} is {state} at {home}" if state else f"no shard knows {ticket_id}; it would go to {home}")
    if state is None:
        raise typer.Exit(1)
