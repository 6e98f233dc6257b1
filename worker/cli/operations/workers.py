"""`deskhand drain`: let one worker finish and end, by name, through the ledger."""

from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.context import run
from worker.cli.options import Json, Person, person_named
from worker.cli.output import Cell, Report, dump, say, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fallbacks.operations.fleet import Worker
    from worker.wiring import Parts


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Operations")(drain)


def drain(
    worker: Annotated[
        str | None, typer.Argument(metavar="[WORKER]", help="Its name, or a part that no other has; none: list them.")
    ] = None,
    person: Person = None,
    json: Json = False,
) -> None:
    """Ask one worker to take no more work, give back what it runs at the next step, and end.

    It hears it at its next beat. Whoever supervises it may start another in its place.
    """
    if worker is None:
        _report(run(_live_workers), json=json)
        return
    name = run(lambda parts: _drain(parts, person_named(person), worker))
    dump({"worker": name}) if json else say(f"{name} will finish and end")


async def seen_workers(parts: "Parts") -> "list[Worker]":
    """Workers that have not left, by name, for an hour."""
    from fallbacks.operations.fleet import fleet

    return await fleet(parts.store, parts.settings.lease_seconds)


def workers_table(workers: "Sequence[Worker]") -> Report:
    """One line each."""
    from worker.cli.documents import span

    columns = ("worker", "serves", "busy", "slots", "seen", "version", "doing")
    table = Report(columns, numeric=frozenset({"busy", "slots", "seen"}))
    for found in workers:
        doing = Cell(", ".join([*(["finishing"] if found.draining else []), *found.doing]))
        if found.starting:
            doing = Cell("starting: trains its local model first", "yellow")
        if found.silent:
            doing = Cell(f"FROZEN OR GONE: others take its tickets {', '.join(found.doing)}".strip(), "bold red")
        seen = span(found.seen_seconds)
        table.add(found.worker, ", ".join(found.queues), found.busy, found.slots, seen, found.version, doing)
    return table


async def _live_workers(parts: "Parts") -> "list[Worker]":
    """Those seen in the last minute."""
    from fallbacks.ledger.views import WORKER_SILENT_MS

    return [found for found in await seen_workers(parts) if found.seen_seconds * 1000 < WORKER_SILENT_MS]


async def _drain(parts: "Parts", who: str, wanted: str) -> str:
    from fallbacks.ledger.limits.control import DRAIN, Control

    names = [found.worker for found in await _live_workers(parts)]
    matching = [name for name in names if name == wanted] or [name for name in names if wanted in name]
    if len(matching) != 1:
        which = "no worker" if not matching else f"{len(matching)} workers"
        raise ValueError(f"{which} named {wanted!r}; there are: {', '.join(names) or 'none'}")
    await Control(parts.store).change(who, {DRAIN + matching[0]: "1"})
    return str(matching[0])


def _report(workers: "Sequence[Worker]", *, json: bool) -> None:
    from dataclasses import asdict

    if json:
        dump([asdict(worker) for worker in workers])
        return
    show(workers_table(workers))
