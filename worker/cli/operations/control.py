"""`deskhand pause`, `unpause`, `autonomy`, and the log of it all: switches in the ledger that workers watch."""

import csv
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fallbacks.store import keys
from worker.cli.context import run
from worker.cli.options import Json, Person, person_named
from worker.cli.output import Report, dump, say, show

if TYPE_CHECKING:
    from fallbacks.ledger.limits.control import Change
    from worker.wiring import Parts


class Queue(StrEnum):
    """tickets: the agent's work. handoff: giving tickets to people."""

    TICKETS = "tickets"
    HANDOFF = "handoff"


class Switch(StrEnum):
    """What autonomy can be set to; `status` to look at the switch, `labels` at what each label has earned,
    `alone` at what was decided alone."""

    SUGGEST = "suggest"
    AUTO = "auto"
    OFF = "off"
    STATUS = "status"
    LABELS = "labels"
    ALONE = "alone"


switches = typer.Typer(help="Who switched what, and when.", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (pause, unpause, autonomy):
        app.command(rich_help_panel="Operations")(command)
    app.add_typer(switches, name="control", rich_help_panel="Operations")


def pause(
    queue: Annotated[Queue, typer.Option(help="What to hold.")] = Queue.TICKETS,
    person: Person = None,
    json: Json = False,
) -> None:
    """Hold work: nothing new is started, what runs is finished, nothing is lost."""
    changes: dict[str, str | None] = {f"paused:{queue.value}": "1"}
    _print(run(lambda parts: _change(parts, person_named(person), changes)), json=json)


def unpause(
    queue: Annotated[Queue | None, typer.Option(help="What to let go on; default: everything.")] = None,
    person: Person = None,
    json: Json = False,
) -> None:
    """Let held work go on."""
    changes: dict[str, str | None] = {f"paused:{each.value}": None for each in Queue if queue in (None, each)}
    _print(run(lambda parts: _change(parts, person_named(person), changes)), json=json)


def autonomy(
    switch: Annotated[Switch, typer.Argument(help="What the agent may do.")] = Switch.STATUS,
    person: Person = None,
    json: Json = False,
) -> None:
    """What the agent may do alone. `off` is the kill switch: looked at before every step, tickets go to people."""
    if switch is Switch.LABELS:
        from worker.cli.operations.labels import show_kinds

        show_kinds(json=json)
        return
    if switch is Switch.ALONE:
        from worker.cli.operations.labels import show_alone

        show_alone(json=json)
        return
    if switch is Switch.STATUS:
        _print(run(_control), json=json)
        return
    _print(run(lambda parts: _change(parts, person_named(person), {"autonomy": switch.value})), json=json)


@switches.command(name="log")
def log(
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many of the latest lines.")] = 50,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, for a spreadsheet or an archive.")] = False,
    json: Json = False,
) -> None:
    """The operator log, newest first: switches, budget, people, roles, keys, sign-ins and who was refused."""
    from dataclasses import asdict

    from fallbacks.ledger.limits.control import Control
    from worker.cli.documents import moment

    changes = run(lambda parts: Control(parts.store).log(limit, sign_ins=True))
    if json:
        dump([{"at": moment(change.at_ms), **asdict(change)} for change in changes])
        return
    if as_csv:
        _write_csv(changes)
        return
    if not changes:
        say("nothing was switched yet")
        return
    table = Report(("at", "who", "what"))
    for change in changes:
        table.add(moment(change.at_ms), change.who, change.words)
    show(table)


def _write_csv(changes: "list[Change]") -> None:
    """Names come from whoever signs in; none may become a formula."""
    from worker.cli.documents import moment
    from worker.cli.people.export import cell

    writer = csv.writer(sys.stdout)
    writer.writerow(("at", "who", "what", "before", "after", "client"))
    for change in changes:
        cells = (change.who, change.what, change.before or "", change.after or "", change.client or "")
        writer.writerow((moment(change.at_ms), *map(cell, cells)))


async def _change(parts: "Parts", who: str, changes: dict[str, str | None]) -> dict[str, Any]:
    from fallbacks.ledger.limits.control import Control

    await Control(parts.store).change(who, changes)
    return await _control(parts)


async def _control(parts: "Parts") -> dict[str, Any]:
    from worker.cli.documents import moment
    from worker.cli.operations.status import paused_queues

    control = await parts.store.fields(keys.CONTROL)
    changed_at = control.get("changed_at")
    return {
        "paused": paused_queues(control),
        "autonomy": control.get("autonomy"),
        "autonomy_setting": parts.settings.autonomy.value,
        "changed_by": control.get("changed_by"),
        "changed_at": moment(int(changed_at)) if changed_at else None,
    }


def _print(control: dict[str, Any], *, json: bool) -> None:
    if json:
        dump(control)
        return
    say(f"paused: {', '.join(control['paused']) or 'nothing'}")
    if control["autonomy"]:
        say(f"autonomy: {control['autonomy']} (set at run time; DESKHAND_AUTONOMY: {control['autonomy_setting']})")
    else:
        say(f"autonomy: {control['autonomy_setting']} (by DESKHAND_AUTONOMY)")
    if control["changed_by"]:
        say(f"last changed by {control['changed_by']} at {control['changed_at']}")
