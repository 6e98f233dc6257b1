"""`deskhand webhooks`: outcomes on their way to upstream."""

from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from fallbacks.store import keys
from worker.cli.context import run
from worker.cli.options import Json, seconds_of
from worker.cli.output import Report, complain, dump, say, show

if TYPE_CHECKING:
    from fallbacks.delivery.outbox import Entry
    from worker.wiring import Parts

webhooks = typer.Typer(help="Outcome webhooks: list, send again.", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(webhooks, name="webhooks", rich_help_panel="Operations")


@webhooks.command(name="list")
def list_messages(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many of each kind.")] = 50,
    json: Json = False,
) -> None:
    """Messages on their way, next due first; then those given up, which stay a week."""
    from worker.cli.documents import moment

    entries, disabled = run(lambda parts: _look(parts, limit))
    if json:
        messages = [{**asdict(entry), "due_at": moment(entry.due_ms)} for entry in entries]
        dump({"disabled": disabled, "messages": messages})
        return
    table = Report(("id", "ticket", "event", "tries", "next try", "last answer"), numeric=frozenset({"tries"}))
    for entry in entries:
        due = moment(entry.due_ms) or entry.outcome
        table.add(entry.id, entry.ticket_id, entry.event, entry.attempts, due, entry.error)
    show(table) if entries else say("no message is on its way or given up")
    if disabled:
        complain(f"nothing leaves: {disabled}; `deskhand webhooks enable` when the receiver is back")


@webhooks.command()
def redeliver(
    message_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="The message: msg_...")] = None,
    every: Annotated[bool, typer.Option("--all", help="All that were tried and have not arrived.")] = False,
    since: Annotated[
        str | None, typer.Option(metavar="2h", help="With --all: of those given up, only since that long.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --all: say which, and send nothing.")] = False,
    json: Json = False,
) -> None:
    """Send a message again, or all that have not arrived; under their own ids, from the first try."""
    if every == (message_id is not None):
        raise ValueError("say which message, or --all")
    if not every and (since or dry_run):
        raise ValueError("--since and --dry-run go with --all")
    if message_id is None:
        seconds = seconds_of(since) if since else None
        _report(run(lambda parts: _redeliver_all(parts, seconds, dry_run=dry_run)), dry_run=dry_run, json=json)
        return
    ticket_id = run(lambda parts: _redeliver(parts, message_id))
    dump({"id": message_id, "ticket": ticket_id}) if json else say(f"{message_id} of {ticket_id} is due again")


def _report(entries: "list[Entry]", *, dry_run: bool, json: bool) -> None:
    if json:
        dump({"dry_run": dry_run, "messages": [{"id": entry.id, "ticket": entry.ticket_id} for entry in entries]})
    else:
        say(f"{len(entries)} messages {'would be' if dry_run else 'are'} due again")


async def _redeliver(parts: "Parts", message_id: str) -> str:
    from fallbacks.delivery.outbox import OutboxAdmin

    return await OutboxAdmin(parts.store, parts.history).redeliver(message_id)


async def _redeliver_all(parts: "Parts", seconds: float | None, *, dry_run: bool) -> "list[Entry]":
    from fallbacks.delivery.outbox import OutboxAdmin
    from fallbacks.errors import WebhookMessageGone

    since_ms = 0 if seconds is None else await parts.store.now_ms() - int(seconds * 1000)
    admin = OutboxAdmin(parts.store, parts.history)
    entries = await admin.undelivered(since_ms)
    for entry in () if dry_run else entries:
        with suppress(WebhookMessageGone):  # it arrived meanwhile, and its week is over
            await admin.redeliver(entry.id)
    return entries


@webhooks.command()
def enable(json: Json = False) -> None:
    """Let messages leave again after the receiver answered 410."""
    from fallbacks.delivery.outbox import OutboxAdmin

    why = run(lambda parts: OutboxAdmin(parts.store).enable())
    dump({"was_disabled": why}) if json else say(f"enabled; it was disabled by: {why}" if why else "it was enabled")


async def _look(parts: "Parts", limit: int) -> "tuple[list[Entry], str | None]":
    from fallbacks.delivery.outbox import DISABLED, OutboxAdmin

    control = await parts.store.fields(keys.CONTROL)
    return await OutboxAdmin(parts.store).entries(limit), control.get(DISABLED)
