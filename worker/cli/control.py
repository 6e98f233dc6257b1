"""`deskhand pause`, `unpause` and `autonomy`: switches in the books that every worker looks at."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli.context import run
from worker.cli.options import Json, Person, person_named
from worker.cli.output import dump, say

if TYPE_CHECKING:
    from worker.wiring import Parts


class Queue(StrEnum):
    """tickets: the agent's work. handoff: giving tickets to people."""

    TICKETS = "tickets"
    HANDOFF = "handoff"


class Switch(StrEnum):
    """What autonomy can be set to; `status` to look at the switch, `labels` at what each label has earned."""

    SUGGEST = "suggest"
    AUTO = "auto"
    OFF = "off"
    STATUS = "status"
    LABELS = "labels"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (pause, unpause, autonomy):
        app.command(rich_help_panel="Operations")(command)


def pause(
    queue: Annotated[Queue, typer.Option(help="What to hold.")] = Queue.TICKETS,
    person: Person = None,
    json: Json = False,
) -> None:
    """Hold work: nothing new is started, what runs is finished, nothing is lost."""
    changes: dict[str, str | None] = {f"paused:{queue.value}": "1"}
    _tell(run(lambda parts: _change(parts, person_named(person), changes)), json=json)


def unpause(
    queue: Annotated[Queue | None, typer.Option(help="What to let go on; default: everything.")] = None,
    person: Person = None,
    json: Json = False,
) -> None:
    """Let held work go on."""
    changes: dict[str, str | None] = {f"paused:{each.value}": None for each in Queue if queue in (None, each)}
    _tell(run(lambda parts: _change(parts, person_named(person), changes)), json=json)


def autonomy(
    switch: Annotated[Switch, typer.Argument(help="What the agent may do.")] = Switch.STATUS,
    person: Person = None,
    json: Json = False,
) -> None:
    """What the agent may do alone. `off` is the kill switch: looked at before every step, tickets go to people."""
    if switch is Switch.LABELS:
        from worker.cli.labels import tell_labels

        tell_labels(json=json)
        return
    if switch is Switch.STATUS:
        _tell(run(_control), json=json)
        return
    _tell(run(lambda parts: _change(parts, person_named(person), {"autonomy": switch.value})), json=json)


async def _change(parts: "Parts", who: str, changes: dict[str, str | None]) -> dict[str, Any]:
    at = str(await parts.store.now_ms())
    await parts.store.put("control", {**changes, "changed_by": who, "changed_at": at})
    return await _control(parts)


async def _control(parts: "Parts") -> dict[str, Any]:
    from worker.cli.documents import moment
    from worker.cli.status import paused_queues

    control = await parts.store.fields("control")
    changed_at = control.get("changed_at")
    return {
        "paused": paused_queues(control),
        "autonomy": control.get("autonomy"),
        "autonomy_setting": parts.settings.autonomy.value,
        "changed_by": control.get("changed_by"),
        "changed_at": moment(int(changed_at)) if changed_at else None,
    }


def _tell(control: dict[str, Any], *, json: bool) -> None:
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
