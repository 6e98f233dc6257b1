"""`deskhand retry`: resume a group of tickets that failed for one reason: count, one canary, then the rest."""

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fallbacks.store import keys
from worker.cli.context import Session, publish_hint, session
from worker.cli.faults import CommandFailed
from worker.cli.options import Json, Person, person_named
from worker.cli.output import complain, dump, progress, say

if TYPE_CHECKING:
    from tasks.reasons import Reason
    from worker.wiring import Parts

BATCH = 50


@dataclass(slots=True)
class Retried:
    """What became of the snapshot. skipped: (id, why), e.g. decided or taken by a person meanwhile.

    failure: why the rest was left alone, "" where it was not.
    """

    ids: list[str]
    canary: str | None = None
    canary_state: str | None = None
    failure: str = ""
    resumed: list[str] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Operations")(retry)


def retry(
    reason: Annotated[str, typer.Option("--reason", help="Only tickets handed off for this reason.")],
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many, most urgent first.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count and name them, change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait for the canary.")] = 120.0,
    person: Person = None,
    json: Json = False,
) -> None:
    """Resume tickets with fresh limits. The first goes alone: only if it comes through, the others follow.

    Which tickets is settled at the start: what fails for this reason later is not touched.
    """
    from worker.cli.people.by_process import facet

    who, index = person_named(person), facet("reason", reason)
    with session() as opened:
        done = Retried(opened.run(_snapshot(opened.parts, index, limit)))
        if not json:
            say(f"{len(done.ids)} tickets wait for {reason}")
        if done.ids and not dry_run:
            if not yes:
                _confirm(len(done.ids))
            done.failure = _go(opened, done, who, reason, timeout)
    if json:
        dump(_document(done, dry_run=dry_run))
    elif dry_run:
        say(*done.ids)
    complain(*(f"skipped {ticket_id}: {why}" for ticket_id, why in done.skipped))
    if done.failure:
        raise CommandFailed(done.failure)


def _go(opened: Session, done: Retried, who: str, reason: str, timeout: float) -> str:
    """The canary, then the rest. Returns why the rest was left alone, or ""."""
    from tasks.reasons import Reason

    asked = Reason(reason)
    rest = list(done.ids)
    while rest and done.canary is None:
        first = rest.pop(0)
        if opened.run(_resume(opened.parts, first, who, asked, done)):
            done.canary = first
    if done.canary is None:
        return "none of them could be resumed"
    complain(f"the canary is {done.canary}; waiting for it")
    done.canary_state, failure = opened.run(_canary(opened.parts, done.canary, asked, timeout))
    if failure:
        return failure
    complain(f"the canary is {done.canary_state}; {len(rest)} follow")
    with progress("resuming", len(rest)) as advance:
        for start in range(0, len(rest), BATCH):
            opened.run(_resume_all(opened.parts, rest[start : start + BATCH], who, asked, done))
            advance(start + BATCH)
    complain(f"{len(done.resumed)} resumed, {len(done.skipped)} skipped")
    return ""


def _confirm(count: int) -> None:
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"{count} tickets would be resumed: say --yes, or --dry-run to look first")
    typer.confirm(f"Resume {count} tickets?", abort=True)


async def _snapshot(parts: "Parts", index: str, limit: int | None) -> list[str]:
    stop = -1 if limit is None else limit - 1
    return [ticket_id for ticket_id, _ in await parts.store.ranked(keys.inbox_facet(index), 0, stop)]


async def _canary(parts: "Parts", ticket_id: str, reason: "Reason", within: float) -> tuple[str, str]:
    """Its state, and why the others must be left alone: it failed as before, or is not done in time; else ""."""
    from worker.cli.tickets.resting import until_at_rest

    with progress("canary", 1) as advance:
        rest = await until_at_rest(parts.views, [ticket_id], within, advance)
    if rest.moving:
        state = rest.moving[ticket_id]
        return state, f"the canary {ticket_id} is still {state} after {within:g} s; the others were not touched"
    state, why = rest.at_rest[ticket_id]
    if why == reason.value:
        return state, f"the canary {ticket_id} failed with {why} again; the others were not touched"
    return (f"{state} ({why})" if why else state), ""


async def _resume_all(parts: "Parts", ids: list[str], who: str, reason: "Reason", done: Retried) -> None:
    for ticket_id in ids:
        await _resume(parts, ticket_id, who, reason, done, publish=False)
    await publish_hint(parts, [ticket_id for ticket_id in ids if ticket_id in done.resumed[-len(ids) :]])


async def _resume(
    parts: "Parts", ticket_id: str, who: str, reason: "Reason", done: Retried, *, publish: bool = True
) -> bool:
    """Resume one, if it still waits for this reason and nobody holds it."""
    from fallbacks.errors import Stale, UnknownTicket

    try:
        view = await parts.views.ticket(ticket_id)
        if view.reason is not reason:
            done.skipped.append((ticket_id, f"it is {view.state.value} now"))
            return False
        await parts.inbox.resume(ticket_id, who, view.version, "", parts.settings.limits)
    except (Stale, UnknownTicket, ValueError) as refusal:
        done.skipped.append((ticket_id, str(refusal)))
        return False
    done.resumed.append(ticket_id)
    if publish:
        await publish_hint(parts, [ticket_id])
    return True


def _document(done: Retried, *, dry_run: bool) -> dict[str, Any]:
    return {
        "found": len(done.ids),
        "ids": done.ids,
        "dry_run": dry_run,
        "canary": done.canary,
        "canary_state": done.canary_state,
        "failure": done.failure or None,
        "resumed": len(done.resumed),
        "skipped": [{"id": ticket_id, "why": why} for ticket_id, why in done.skipped],
    }
