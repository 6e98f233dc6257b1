"""`deskhand enqueue --url`: the same file over HTTP, by our own client, to a Deskhand elsewhere."""

from collections.abc import Sequence
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, BinaryIO

from worker.cli.context import load
from worker.cli.output import complain, progress
from worker.cli.tickets.enqueued import BATCH, Enqueued
from worker.cli.tickets.resting import Rest
from worker.cli.tickets.ticket_lines import Bad, Good, read_tickets

if TYPE_CHECKING:
    from worker.clients import DeskhandClient


def client_of(url: str) -> "DeskhandClient":
    """With the key of the settings. It sends the trace on that the command was called in."""
    from worker.clients import DeskhandClient
    from worker.telemetry.tracing import arrived_with

    key = load().client_key
    return DeskhandClient(url, key.get_secret_value() if key else None, headers=arrived_with.get())


def enqueue_over_http(url: str, stream: BinaryIO, *, wait: bool, within: float | None) -> tuple[Enqueued, Rest | None]:
    """Send every ticket of the stream. Over HTTP a ticket known before counts as accepted: the answer is the same."""
    done, items = Enqueued(), iter(read_tickets(stream))
    with client_of(url) as client:
        with progress("accepting", None) as advance:
            while batch := list(islice(items, BATCH)):
                _send(client, batch, done)
                advance(len(done.accepted), f"{len(done.faults)} bad" if done.faults else "")
        return done, _until_at_rest(client, done.ids, within) if wait else None


def _send(client: "DeskhandClient", batch: Sequence[Good | Bad], done: Enqueued) -> None:
    from worker.clients import ClientError

    good = [item for item in batch if isinstance(item, Good)]
    results = dict(zip((item.where for item in good), client.accept_many(item.ticket for item in good), strict=True))
    for item in batch:
        if isinstance(item, Bad):
            _fault(done, item.where, item.why)
        elif isinstance(result := results[item.where], ClientError):
            _fault(done, item.where, str(result))
        else:
            done.accepted.append(result.id)
            done.nameless += item.ticket.id is None


def _fault(done: Enqueued, where: str, why: str) -> None:
    done.faults.append((where, why))
    complain(f"{where}: {why}")


def _until_at_rest(client: "DeskhandClient", ids: Sequence[str], within: float | None) -> Rest:
    """One long-poll after the other: the last to rest ends it either way."""
    from worker.clients import IN_WORK, State

    until = None if within is None else monotonic() + within
    rest = Rest(moving=dict.fromkeys(ids, State.QUEUED))
    with progress("working", len(ids)) as advance:
        for ticket_id in ids:
            found = client.wait(ticket_id, None if until is None else max(0.0, until - monotonic()))
            if found.state in IN_WORK:
                rest.moving[ticket_id] = found.state
            else:
                rest.at_rest[ticket_id] = (found.state, found.reason or "")
                del rest.moving[ticket_id]
            advance(len(rest.at_rest))
    return rest
