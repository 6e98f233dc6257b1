"""Does a tool help? The same tickets with every tool and without each: what is right, and what it takes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tasks.run.agent import PREFETCH
from tasks.run.messages import TokenUsage
from tasks.run.tool import Tool, ToolContext
from worker.evaluation.cost import Metered
from worker.evaluation.figures import Graded, Share
from worker.evaluation.run import Bench
from worker.models.held_out import sign_test

EVERY = "every tool"
ALL = "all"
"""As a tool's name: without any of them but the prefetch."""

DOUBT = 0.05
"""Of a loss of accuracy that is taken to be one."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way of working the tickets. Per ticket: cost in nanodollars, model calls, tool calls, tokens.

    right: of all tickets, those of people's label, and of their team.
    """

    name: str
    without: tuple[str, ...]
    right_label: Share
    right_team: Share
    steps: float
    tool_calls: float
    input_tokens: float
    output_tokens: float
    cost_nanodollars: float


@dataclass(frozen=True, slots=True)
class Worth:
    """What one way lacks, beside every tool. gained, lost: tickets whose label only it has right, or wrong.

    loss: how likely such a loss of accuracy is by chance; small where it is one.
    """

    way: Way
    gained: int
    lost: int
    loss: float
    saved_nanodollars: float

    @property
    def pays(self) -> bool:
        """Whether what was taken away is worth having: without it less is right, or more is spent."""
        return self.loss < DOUBT or self.saved_nanodollars < 0

    @property
    def verdict(self) -> str:
        """In words."""
        if self.loss < DOUBT:
            return f"it pays: without it {self.lost} tickets are wrong that were right, and {self.gained} the other way"
        if self.saved_nanodollars < 0:
            return f"it pays: without it a ticket costs ${-self.saved_nanodollars / 1e9:.6f} more"
        return f"it does not pay: nothing is lost without it ({self.gained} gained, {self.lost} lost)"


@dataclass
class Counted:
    """A bench whose models and tools are counted."""

    bench: Bench
    meters: list[Metered]
    tool_calls: int = 0
    without: tuple[str, ...] = ()
    answers: list[Graded] = field(default_factory=list)

    @property
    def name(self) -> str:
        """As a row of a table."""
        if self.without and not any(tool.offered for tool in self.bench.agent.tools.values()):
            return "only the prefetch"
        return f"without {', '.join(self.without)}" if self.without else EVERY

    @property
    def usage(self) -> TokenUsage:
        """Of every call."""
        return sum((meter.usage for meter in self.meters), TokenUsage())


def ways(names: Sequence[str], offered: Iterable[str]) -> list[tuple[str, ...]]:
    """What each way leaves out, the one with every tool first. Raises `ValueError` for a tool that is not offered."""
    there = sorted(offered)
    if unknown := [name for name in names if name not in (*there, ALL)]:
        raise ValueError(f"the agent has no tool {unknown[0]!r} here; it has {', '.join(there) or 'none'}, or `{ALL}`")
    return [(), *(tuple(there) if name == ALL else (name,) for name in dict.fromkeys(names))]


def counted(bench: Bench, without: tuple[str, ...]) -> Counted:
    """The bench without these tools, its models and tools counted."""
    meters = [Metered(tier.model, cached=True) for tier in bench.tiers]
    tiers = tuple(replace(tier, model=meter) for tier, meter in zip(bench.tiers, meters, strict=True))
    found = Counted(bench, meters, without=without)
    tools = {name: _counting(tool, found) for name, tool in bench.agent.tools.items() if name not in without}
    found.bench = replace(bench, tiers=tiers, agent=replace(bench.agent, tools=tools))
    return found


def way(done: Counted) -> Way:
    """What it came to."""
    answers, count = done.answers, max(1, len(done.answers))
    usage = done.usage
    return Way(
        name=done.name,
        without=done.without,
        right_label=Share(sum(map(_right, answers)), len(answers)),
        right_team=Share(sum(answer.right for answer in answers), len(answers)),
        steps=sum(meter.calls for meter in done.meters) / count,
        tool_calls=done.tool_calls / count,
        input_tokens=usage.billed_input / count,
        output_tokens=usage.output_tokens / count,
        cost_nanodollars=sum(answer.cost_nanodollars for answer in answers) / count,
    )


def worth(every: Counted, less: Counted) -> Worth:
    """Both have worked the same tickets in the same order."""
    pairs = [(_right(before), _right(after)) for before, after in zip(every.answers, less.answers, strict=True)]
    gained, lost = pairs.count((False, True)), pairs.count((True, False))
    now = way(less)
    return Worth(now, gained, lost, sign_test(lost, gained), way(every).cost_nanodollars - now.cost_nanodollars)


def _right(answer: Graded) -> bool:
    return answer.suggested_label == answer.label != ""


def _counting(tool: Tool, counts: Counted) -> Tool:
    async def run(arguments: Any, context: ToolContext) -> Any:
        counts.tool_calls += tool.name != PREFETCH
        return await tool.run(arguments, context)

    return replace(tool, run=run)
