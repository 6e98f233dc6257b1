"""`deskhand replay`: a recorded ticket run again, beside what it came to then."""

from dataclasses import asdict, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli.context import run
from worker.cli.options import Json, PromptChoice, TicketId
from worker.cli.output import Cell, Report, dump, say, show

if TYPE_CHECKING:
    from fallbacks.inbox.explain import StepSummary
    from tasks.triage.process import Triage
    from worker.evaluation.replay import Replay
    from worker.wiring import Parts


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Judgement")(replay)


def replay(
    ticket_id: TicketId,
    from_step: Annotated[int, typer.Option("--from", metavar="STEP", min=1, help="The first step made anew.")] = 1,
    model: Annotated[str | None, typer.Option(metavar="M", help="Another model in the place of all tiers.")] = None,
    prompt: PromptChoice = None,
    json: Json = False,
) -> None:
    """Run a recorded ticket again without effects and without writing it down, and show what comes out otherwise.

    Steps before --from and tool calls asked for again keep their recorded results; under another prompt or model the
    conversation begins anew. A remote model is paid anew, within the ticket's limits.
    """
    found = run(lambda parts: _replayed(parts, ticket_id, from_step, model, prompt))
    if json:
        dump({**asdict(found), "changed": found.changed})
        return
    _tell(ticket_id, found)


async def _replayed(parts: "Parts", ticket_id: str, from_step: int, model: str | None, prompt: str | None) -> "Replay":
    from fallbacks.ledger.prompts import known_canary
    from tasks.safety.canary import new_canary
    from worker.cli.judgement.prompts import complain_of_unread
    from worker.evaluation.replay import replay
    from worker.models.tier import close_models
    from worker.service.bench import tiers_of

    view = await parts.views.ticket(ticket_id)
    if view.ticket is None:
        raise ValueError(f"{ticket_id} could not be read as a ticket: there is no run to repeat")
    if view.blind:
        raise ValueError(f"{ticket_id} is to be decided blind: a replay would show what is suggested")
    tiers = parts.tiers if model is None else tiers_of(parts.settings, model, parts.taxonomy)
    process = parts.process if prompt is None else await _with(parts, prompt)
    agent = replace(parts.agent, process=process, canary=await known_canary(parts.store) or new_canary())
    if prompt is not None:
        complain_of_unread(tier.model.name for tier in tiers)
    try:
        journal = await parts.views.timeline(ticket_id)
        return await replay(agent, tiers, view.ticket, view.limits, journal, from_step)
    finally:
        await close_models(tiers)


async def _with(parts: "Parts", prompt: str) -> "Triage":
    from worker.cli.judgement.prompts import chosen

    words = (await chosen(parts, prompt)).at(parts.settings.remote_min_confidence)
    return replace(parts.triage, prompt=words)


def _tell(ticket_id: str, found: "Replay") -> None:
    from tasks.money import format_usd

    table = Report(("", "then", "now"), title=f"{ticket_id}, from step {found.from_step}")
    for name, (then, now) in found.changed.items():
        if name == "cost_nanodollars":
            then, now, name = format_usd(then), format_usd(now), "cost"
        table.add(Cell(name, "yellow"), then, now)
    if table.rows:
        show(table)
    else:
        say(f"{ticket_id}: nothing comes out otherwise")
    steps = Report(("step", "then", "now"))
    for number, (then, now) in enumerate(zip_longest(found.before.steps, found.after.steps), 1):
        steps.add(str(number), _step(then), _step(now))
    show(steps)
    for side, one in (("then", found.before), ("now", found.after)):
        if one.reason:
            say(f"{side} it stopped: {one.reason}: {one.detail}")
    say(f"the replay itself cost {format_usd(found.paid_nanodollars)}; nothing was written and nothing was done")


def _step(step: "StepSummary | None") -> Any:
    from tasks.money import format_usd

    return (
        "" if step is None else f"{step.model}: {step.did} [{step.tokens} tokens, {format_usd(step.cost_nanodollars)}]"
    )
