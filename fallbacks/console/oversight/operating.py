"""What an operator switches while it works: pauses, the agent, the budget, workers; and who switched what before."""

from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from fallbacks.access.roles import Role
from fallbacks.console.figures import usd
from fallbacks.console.oversight.overview import money_of
from fallbacks.console.visit import Visit, signed_in
from fallbacks.ledger.limits.control import AUTONOMY, DRAIN, PAUSED, Control
from fallbacks.ledger.views import WORKER_SILENT_MS
from fallbacks.operations.budget import change_budget, read_amount
from fallbacks.operations.fleet import fleet
from fallbacks.operations.source_budgets import change_source_budget, source_budgets
from tasks.language import N_, _, translated

LINES = 15
QUEUES = {"tickets": N_("the agent's work"), "handoff": N_("giving tickets to people")}
MODES = {"suggest": N_("it suggests, and people decide"), "auto": N_("it decides alone where it has earned it")}
PERIOD_NAMES = {"day": N_("UTC day"), "month": N_("UTC month")}
OFF = "off"


@signed_in(Role.OPERATOR)
async def operations(visit: Visit) -> Response:
    """The switches, and what they rule."""
    return await _page(visit)


async def _page(visit: Visit, fault: str = "", status: int = 200) -> Response:
    deps = visit.deps
    stats = await deps.views.stats()
    workers = await fleet(deps.store, deps.terms.lease_seconds)
    values = {
        "stats": stats,
        "queues": QUEUES,
        "modes": MODES,
        "mode": stats.control.get(AUTONOMY) or deps.terms.autonomy,
        "at_run_time": AUTONOMY in stats.control,
        "money": money_of(visit, stats),
        "budgets": await source_budgets(deps.store, stats.source_terms(deps.sources), stats.control),
        "periods": PERIOD_NAMES,
        "workers": [found for found in workers if found.seen_seconds * 1000 < WORKER_SILENT_MS],
        "log": await Control(deps.store).log(LINES),
        "fault": fault,
    }
    return await visit.page("operations.html", values, status)


@signed_in(Role.OPERATOR)
async def switch(visit: Visit) -> Response:
    """Change one of them. What cannot be read changes nothing and says why."""
    work = _SWITCHES.get(visit.request.path_params["switch"])
    if work is None:
        raise HTTPException(404, _("There is no such switch."))
    form = await visit.request.form()
    try:
        said = await work(visit, {name: str(value) for name, value in form.items()})
    except ValueError as error:
        return await _page(visit, str(error), 422)
    await visit.tell(said, "")
    return RedirectResponse("/operations", 303)


async def _pause(visit: Visit, given: dict[str, str]) -> str:
    queue, held = given.get("queue", ""), given.get("hold") == "1"
    if queue not in QUEUES:
        raise ValueError(_("there is no such queue"))
    await Control(visit.deps.store).change(visit.person, {PAUSED + queue: "1" if held else None})
    named = translated(QUEUES[queue])
    return _("Paused: %(queue)s", queue=named) if held else _("Unpaused: %(queue)s", queue=named)


async def _autonomy(visit: Visit, given: dict[str, str]) -> str:
    mode = given.get("mode", "")
    if mode == OFF and given.get("typed", "").strip().lower() != OFF:
        raise ValueError(_("nothing was switched: type the word off to switch the agent off"))
    if mode not in (OFF, "", *MODES):
        raise ValueError(_("there is no such mode"))
    await Control(visit.deps.store).change(visit.person, {AUTONOMY: mode or None})
    if mode == OFF:
        return _("The agent is switched off: every ticket goes to people")
    return _("The agent: %(does)s", does=_does(visit, mode))


def _does(visit: Visit, mode: str) -> str:
    return translated(MODES.get(mode or visit.deps.terms.autonomy, N_("it is as it was set up")))


async def _budget(visit: Visit, given: dict[str, str]) -> str:
    cap = read_amount(given.get("usd", "").strip() or "none")
    as_set_up = visit.deps.daily_budget_nanodollars
    woken = await change_budget(Control(visit.deps.store), visit.person, cap, as_set_up)
    said = _("The daily budget is as set up")
    if cap is not None:
        said = _("The daily budget is %(sum)s", sum=usd(int(cap)))
    return _("%(said)s; %(num)s tickets that waited for it go on", said=said, num=woken) if woken else said


async def _source_budget(visit: Visit, given: dict[str, str]) -> str:
    source, period = given.get("source", "").strip(), given.get("period", "")
    if not source or period not in PERIOD_NAMES:
        raise ValueError(_("name a source, and a day or a month"))
    cap = read_amount(given.get("usd", "").strip() or "none")
    await change_source_budget(Control(visit.deps.store), visit.person, source, {period: cap})
    return _("The budget of %(source)s is changed", source=source)


async def _drain(visit: Visit, given: dict[str, str]) -> str:
    name = given.get("worker", "")
    if name not in {found.worker for found in await fleet(visit.deps.store, visit.deps.terms.lease_seconds)}:
        raise ValueError(_("there is no such worker any more"))
    await Control(visit.deps.store).change(visit.person, {DRAIN + name: "1"})
    return _("%(worker)s will finish and end", worker=name)


_SWITCHES: dict[str, Callable[[Visit, dict[str, str]], Awaitable[str]]] = {
    "pause": _pause,
    "autonomy": _autonomy,
    "budget": _budget,
    "source-budget": _source_budget,
    "drain": _drain,
}
