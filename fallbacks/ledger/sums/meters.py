"""What `/metrics` shows besides the ledger itself: counters in one hash, written by the scripts that do the work.

They start with the store, and stay when tickets leave for history.

A field is `name|label=value|...`, a histogram's bucket `name|le=bound`. Labels are names of ours, never a ticket's, a
person's or a model's own words. Sums of histograms are in thousandths, money in nanodollars: integers add up exactly.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tasks.reasons import Reason
from tasks.run import events as ev

SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400)
TOOL_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
STEPS = (0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20)
"""Upper bounds of the buckets, as in `_figures.lua`; what is above the last falls into +Inf."""

BUDGETS = {
    Reason.STEP_LIMIT: "steps",
    Reason.TOOL_CALL_LIMIT: "tool_calls",
    Reason.TOKEN_LIMIT: "tokens",
    Reason.COST_LIMIT: "cost",
    Reason.TIME_LIMIT: "seconds",
    Reason.DAILY_BUDGET: "day",
    Reason.SOURCE_BUDGET: "source",
}
"""Reasons that mean that something allowed was used up, and what it was."""

CONTEXT = "ticket_context"
"""The tool whose work is done before the first model call."""

UNNAMED = "unnamed"
"""Stands for the tool of a refused call: a name of the model's own making may hold anything."""

CHARS_PER_TOKEN = 4
"""Roughly: no model says what a tool's result cost alone."""

OF_TOOLS = "tool_seconds"
"""The histogram of which there is one for each tool."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """buckets: (upper bound, observations up to it), the last being +Inf."""

    buckets: tuple[tuple[str, int], ...]
    total: float


def counted(events: Sequence[ev.Event], model: str = "") -> dict[str, str] | None:
    """What these events add to the counters, as the scripts take it; None for nothing.

    model: the one that the call went to, where there was one.
    """
    counts: Counter[str] = Counter()
    for event in events:
        match event:
            case ev.ModelReplied():
                counts[field("llm_requests", model=model, outcome="ok")] += 1
                billed = event.input_tokens + event.cache_write_tokens + event.cache_read_tokens
                counts[field("llm_tokens", model=model, direction="input")] += billed
                counts[field("llm_tokens", model=model, direction="output")] += event.output_tokens
            case ev.ModelFailed():
                counts[field("llm_requests", model=model, outcome=event.reason)] += 1
            case ev.ContextFetched():
                counts += _called(CONTEXT, event.outcome, event.seconds, event.result)
            case ev.ToolFinished():
                tool = UNNAMED if event.outcome == "invalid" else event.tool
                counts += _called(tool, event.outcome, event.seconds, event.result)
            case ev.Closed():
                counts[field("closed", kind=event.kind)] += 1
            case ev.RunStopped() if event.reason in BUDGETS:
                counts[field("budget_exhausted", budget=BUDGETS[Reason(event.reason)])] += 1
            case _:
                pass
    return {name: str(count) for name, count in counts.items() if count} or None


def _called(tool: str, outcome: str, seconds: float, result: str) -> Counter[str]:
    """One call of a tool. A call that never reached it has no duration."""
    counts = Counter({field("tool_calls", tool=tool, outcome=outcome): 1})
    if outcome in ("ok", "error", "timeout"):
        bound = next((f"{bound:g}" for bound in TOOL_SECONDS if seconds <= bound), "+Inf")
        counts[field(OF_TOOLS, tool=tool, le=bound)] = 1
        counts[f"{field(OF_TOOLS, tool=tool)}|sum"] = round(seconds * 1000)
        counts[field("tool_result_tokens", tool=tool)] = -(-len(result) // CHARS_PER_TOKEN)
    return counts


def field(name: str, **labels: str) -> str:
    """The hash's field of a counter."""
    return "|".join([name, *(f"{label}={value.replace('|', '_')}" for label, value in labels.items())])


def series(stored: Mapping[str, int], name: str) -> Iterator[tuple[dict[str, str], int]]:
    """Labels and count of every series of a counter."""
    for counter, count in stored.items():
        own, *labels = counter.split("|")
        if own == name:
            yield {label: value for label, _, value in (pair.partition("=") for pair in labels)}, count


def histogram(stored: Mapping[str, int], name: str, bounds: Sequence[float]) -> Histogram:
    """A histogram with all its buckets, those without an observation too."""
    seen, buckets = 0, list[tuple[str, int]]()
    for bound in (*(f"{bound:g}" for bound in bounds), "+Inf"):
        seen += stored.get(f"{name}|le={bound}", 0)
        buckets.append((bound, seen))
    return Histogram(tuple(buckets), stored.get(f"{name}|sum", 0) / 1000)


def of_tools(stored: Mapping[str, int]) -> dict[str, Histogram]:
    """How long the calls of each tool took."""
    tools = {labels["tool"] for labels, _ in series(stored, OF_TOOLS)}
    return {tool: histogram(stored, field(OF_TOOLS, tool=tool), TOOL_SECONDS) for tool in sorted(tools)}
