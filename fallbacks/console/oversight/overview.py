"""The whole at one look: flow, throughput, money, agreement, what has waited longest, and who works."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.responses import RedirectResponse, Response

from fallbacks.access.roles import Role
from fallbacks.console.figures import usd, weekday
from fallbacks.console.oversight.charts import Bar, bars
from fallbacks.console.oversight.kinds import kind_rows
from fallbacks.console.visit import Visit, signed_in
from fallbacks.inbox.people import LATEST, work_by
from fallbacks.inbox.wanted import Wanted
from fallbacks.ledger.limits.control import Control
from fallbacks.ledger.past.examples import Example
from fallbacks.ledger.states import State
from fallbacks.ledger.views import Stats
from fallbacks.operations.finding import Finding
from fallbacks.operations.look import look
from fallbacks.operations.unusual import unusual
from fallbacks.plan import DAY_MS
from fallbacks.store import keys
from tasks.language import N_, _

HOURS = 24
DAYS = 7
OLDEST = 5

KINDS = 8
REVIEWERS = 12
SWITCHED = 5
HOUR_MS = 3_600_000

CHART_WIDTH, CHART_HEIGHT = 480.0, 96.0


@dataclass(frozen=True, slots=True)
class Money:
    """This UTC day in nanodollars. budget: None for none."""

    spent: int
    reserved: int
    budget: int | None

    @property
    def share(self) -> float | None:
        """Of the budget that is gone or promised, 0..1."""
        return min(1.0, (self.spent + self.reserved) / self.budget) if self.budget else None


@signed_in()
async def overview(visit: Visit) -> Response:
    """All of it, at one moment."""
    stats = await visit.deps.views.stats()
    judged = [row for row in await kind_rows(visit) if row.suggested]
    suggested, agreed = sum(row.suggested for row in judged), sum(row.agreed for row in judged)
    oldest = await visit.deps.inbox.find(visit.reach.narrowed(Wanted(asleep=False)), 0, OLDEST, 1)
    latest = await visit.desk.examples.latest(LATEST)
    everybody = work_by(lambda example: example.by, latest)
    reviewers = [work for work in everybody if visit.may(Role.OPERATOR) or work.name == visit.person]
    values = {
        "stats": stats,
        "states": [(state.value, stats.states[state.value]) for state in State],
        "money": money_of(visit, stats),
        "hours": _hours(latest, stats.now_ms),
        "days": await _days(visit, stats.now_ms),
        "judged": sorted(judged, key=lambda row: -row.suggested)[:KINDS],
        "agreement": agreed / suggested if suggested else None,
        "suggested": suggested,
        "oldest": oldest.items,
        "people": _people(stats),
        "reviewers": reviewers[:REVIEWERS],
        "handled": [work for work in work_by(lambda example: example.key, latest) if work.timed][:KINDS],
        "latest": len(latest),
        "switched": await Control(visit.deps.store).log(SWITCHED),
        "chart": (CHART_WIDTH, CHART_HEIGHT),
        "unusual": await _unusual(visit, stats) if visit.may(Role.OPERATOR) else None,
    }
    return await visit.page("overview.html", values)


@signed_in()
async def home(visit: Visit) -> Response:
    """Operators see the whole first, others what waits for them."""
    return RedirectResponse("/overview" if visit.may(Role.OPERATOR) else "/inbox", 303)


async def _unusual(visit: Visit, stats: Stats) -> list[Finding]:
    """As `deskhand why` has it."""
    deps = visit.deps
    info = await deps.store_info() if deps.store_info else None
    return unusual(await look(deps.views, deps.process, deps.terms, stats, info))


def money_of(visit: Visit, stats: Stats) -> Money:
    """Today's, against the budget in force."""
    budget = stats.day_cap(visit.deps.daily_budget_nanodollars)
    return Money(stats.spent_nanodollars, stats.reserved_nanodollars, budget)


def _hours(latest: Sequence[Example], now_ms: int) -> list[Bar]:
    """Of people's latest decisions: where the tickets are by now does not matter."""
    counts = Counter(example.at_ms // HOUR_MS for example in latest if not example.closed)
    rows: list[tuple[str, float, str]] = []
    for at in range(now_ms // HOUR_MS - HOURS + 1, now_ms // HOUR_MS + 1):
        start = at % HOURS
        hour = f"{start:02d}:00"
        said = _("%(hour)s UTC: %(num)s decided", hour=hour, num=counts[at])
        rows.append((f"{start:02d}" if start % 6 == 0 else "", counts[at], said))
    return bars(rows, width=CHART_WIDTH, height=CHART_HEIGHT)


async def _days(visit: Visit, now_ms: int) -> list[Bar]:
    today = now_ms // DAY_MS
    rows: list[tuple[str, float, str]] = []
    for day in range(today - DAYS + 1, today + 1):
        spent = int((await visit.deps.store.fields(keys.day(str(day)))).get("spent", 0))
        date = datetime.fromtimestamp(day * DAY_MS / 1000, UTC)
        rows.append((weekday(date), spent, f"{date:%Y-%m-%d}: {usd(spent)}"))
    return bars(rows, width=CHART_WIDTH, height=CHART_HEIGHT, gap=0.5)


def _people(stats: Stats) -> list[tuple[str, Any]]:
    names = {
        "person_approve": N_("approved"),
        "person_edit": N_("corrected"),
        "person_decide": N_("decided by hand"),
        "undone": N_("undone"),
        "decided_auto": N_("by the agent alone"),
    }
    return [(said, stats.counters.get(name, 0)) for name, said in names.items()]
