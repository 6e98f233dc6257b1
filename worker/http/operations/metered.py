"""The metrics that the ledger keeps as counters: runs, model calls, tools, budgets, waits."""

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from fallbacks.ledger.sums.meters import BUDGETS, OF_TOOLS, SECONDS, STEPS, field, histogram, of_tools, series
from tasks.money import to_usd

COUNTERS = {
    "runs": ("Runs that ended, by how.", ("outcome", "reason")),
    "llm_requests": ("Calls to models; outcome is ok, lost, or the reason of the failure.", ("model", "outcome")),
    "llm_tokens": ("Tokens that were billed.", ("model", "direction")),
    "tool_calls": ("Calls of tools, and the look-up before the first model call.", ("tool", "outcome")),
    "tool_result_tokens": ("Tokens of what tools answered, at four characters each.", ("tool",)),
    "closed": ("Tickets that ended without a decision, by kind.", ("kind",)),
    "budget_exhausted": ("Runs that used up what they were allowed, by what it was.", ("budget",)),
    "suggestions_judged": ("Suggestions that people judged, by whether they decided the same.", ("agreed",)),
    "autonomy_changes": ("Kinds of decisions that were promoted (to auto) or demoted (to suggest).", ("to",)),
    "learning_rounds": ("Rounds in which the local model learned by itself, by what happened.", ("happened",)),
    "human_leases_expired": ("Items a person held until the time ran out.", ()),
}

HISTOGRAMS = {
    "queue_wait_seconds": ("From being queued to being claimed.", SECONDS),
    "run_duration_seconds": ("From being claimed to the run's end.", SECONDS),
    "run_steps": ("Model calls of a run.", STEPS),
    "human_handle_seconds": ("From a person's hold on an item to what they did with it.", SECONDS),
}

FROM_THE_START = (
    *(field("runs", outcome=outcome, reason="") for outcome in ("suggested", "decided", "released", "lost")),
    *(field("budget_exhausted", budget=budget) for budget in BUDGETS.values()),
    *(field("suggestions_judged", agreed=agreed) for agreed in ("yes", "no")),
    *(field("autonomy_changes", to=to) for to in ("auto", "suggest")),
    "human_leases_expired",
)
"""Series shown before the first of their kind happens, so that its increase is seen."""


def metered(stored: Mapping[str, int], tools: Iterable[str] = ()) -> Iterator[Metric]:
    """Every counter and histogram. stored: `Stats.meters`. tools: those that may be called, called or not."""
    uncalled = [field("tool_calls", tool=name, outcome="ok") for name in tools]
    known = dict.fromkeys((*FROM_THE_START, *uncalled), 0) | dict(stored)
    for name, (what, labels) in COUNTERS.items():
        family = CounterMetricFamily(f"deskhand_{name}", what, labels=labels)
        for values, count in series(known, name):
            family.add_metric([values.get(label, "") for label in labels], count)
        yield family
    dollars = CounterMetricFamily("deskhand_llm_cost_dollars", "What calls cost, as settled.", labels=["model"])
    for values, nanodollars in series(known, "llm_cost_nanodollars"):
        dollars.add_metric([values["model"]], to_usd(nanodollars))
    yield dollars
    for name, (what, bounds) in HISTOGRAMS.items():
        found = histogram(known, name, bounds)
        yield HistogramMetricFamily(f"deskhand_{name}", what, buckets=list(found.buckets), sum_value=found.total)
    took = HistogramMetricFamily(f"deskhand_{OF_TOOLS}", "How long calls of tools took.", labels=["tool"])
    for tool, found in of_tools(known).items():
        took.add_metric([tool], buckets=list(found.buckets), sum_value=found.total)
    yield took
