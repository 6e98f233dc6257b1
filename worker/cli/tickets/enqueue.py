"""`deskhand enqueue`."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from worker.cli.context import publish_hint, run
from worker.cli.options import Json
from worker.cli.output import complain, dump, progress, say, show
from worker.cli.tickets.enqueued import BATCH, Enqueued

if TYPE_CHECKING:
    from worker.cli.tickets.resting import Rest
    from worker.cli.tickets.ticket_lines import Bad, Good
    from worker.wiring import Parts


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Tickets")(enqueue)


def enqueue(
    file: Annotated[
        Path, typer.Argument(help="JSONL, a JSON array or CSV of tickets, also packed by gzip; - reads standard input.")
    ],
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the agent is done with all of them.")] = False,
    timeout: Annotated[float | None, typer.Option(min=0, help="Seconds that --wait waits; default: no end.")] = None,
    url: Annotated[
        str | None, typer.Option(help="Over HTTP, to the Deskhand at this address. The key: DESKHAND_CLIENT_KEY.")
    ] = None,
    json: Json = False,
) -> None:
    """Put tickets on the queue: written to the ledger first, published second.

    A bad line is named and left out, the good ones are accepted, and the exit status is 1. A ticket that carries an
    id of its own may be sent again: it is accepted once.
    """
    with _opened(file) as stream:
        _remember_the_trace()
        if not url:
            done, rest = run(lambda parts: _enqueue(parts, stream, wait=wait, within=timeout))
        else:
            from worker.cli.tickets.enqueue_http import enqueue_over_http

            done, rest = enqueue_over_http(url, stream, wait=wait, within=timeout)
    _tell(done, rest, json=json)
    if done.faults or (rest is not None and rest.moving):
        raise typer.Exit(1)


def _remember_the_trace() -> None:
    """Of whoever calls this command: OpenTelemetry hands it to programs in TRACEPARENT."""
    from worker.telemetry.tracing import arrived_with, carried_by

    arrived_with.set(carried_by({name.lower(): value for name, value in os.environ.items()}))


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    if str(file) == "-":
        yield sys.stdin.buffer
        return
    with file.open("rb") as stream:
        yield stream


async def _enqueue(
    parts: "Parts", stream: BinaryIO, *, wait: bool, within: float | None
) -> "tuple[Enqueued, Rest | None]":
    from worker.cli.tickets.resting import until_at_rest
    from worker.cli.tickets.ticket_lines import read_tickets

    done, items = Enqueued(), iter(read_tickets(stream))
    with progress("accepting", None) as advance:
        while batch := list(islice(items, BATCH)):
            await _accept(parts, batch, done)
            advance(len(done.accepted) + len(done.known), f"{len(done.faults)} bad" if done.faults else "")
    if not wait:
        return done, None
    with progress("working", len(done.ids)) as advance:
        return done, await until_at_rest(parts.views, done.ids, within, advance)


async def _accept(parts: "Parts", batch: "Sequence[Good | Bad]", done: Enqueued) -> None:
    """Accept what is good, publish what is new, and name what is bad."""
    import asyncio

    from fallbacks.errors import StoreUnreachable
    from worker.cli.tickets.ticket_lines import Bad

    before = len(done.accepted)
    results = await asyncio.gather(*(_accept_one(parts, item) for item in batch), return_exceptions=True)
    for item, result in zip(batch, results, strict=True):
        if isinstance(result, Bad):
            done.faults.append((result.where, result.why))
            complain(f"{result.where}: {result.why}")
        elif isinstance(result, BaseException):
            if isinstance(result, StoreUnreachable):
                complain(f"{item.where}: not accepted; {len(done.ids)} tickets before it are in the ledger")
            raise result
        else:
            (done.accepted if result.created else done.known).append(result.id)
            done.nameless += item.ticket.id is None if not isinstance(item, Bad) else 0
    await publish_hint(parts, done.accepted[before:])


async def _accept_one(parts: "Parts", item: "Good | Bad") -> Any:
    from fallbacks.errors import IdempotencyConflict
    from worker.cli.tickets.ticket_lines import Bad
    from worker.intake.doors import COMMAND

    if isinstance(item, Bad):
        return item
    limits, wait = parts.settings.limits, parts.settings.max_wait_seconds
    try:
        return await parts.ledger.accept(item.ticket, limits, door=COMMAND, max_wait_seconds=wait)
    except IdempotencyConflict as conflict:
        return Bad(item.where, str(conflict))


def _tell(done: Enqueued, rest: "Rest | None", *, json: bool) -> None:
    if json:
        dump(_document(done, rest))
    else:
        say(f"{len(done.accepted)} accepted, {len(done.known)} known before, {len(done.faults)} bad")
        if rest is not None:
            from worker.cli.tickets.resting import rest_table

            show(rest_table(rest))
    if done.faults and done.nameless:
        complain(
            f"send only the repaired lines: {done.nameless} of the accepted tickets carry no id of their own, and the "
            "whole file would accept them a second time"
        )
    if rest is not None and rest.moving:
        complain(f"{len(rest.moving)} tickets are not at rest yet: `deskhand status` shows workers and pauses")


def _document(done: Enqueued, rest: "Rest | None") -> dict[str, Any]:
    document: dict[str, Any] = {
        "accepted": len(done.accepted),
        "known": len(done.known),
        "bad": len(done.faults),
        "ids": done.ids,
        "faults": [{"where": where, "error": why} for where, why in done.faults],
    }
    if rest is not None:
        document["outcomes"] = [
            {"state": state, "reason": reason or None, "tickets": count} for state, reason, count in rest.counts()
        ]
        document["all_at_rest"] = not rest.moving
    return document
