"""What the same tickets cost the naive loop and ours, part by part, at real prices.

The naive loop is the large model alone: nothing cached, nothing looked up ahead, no cheaper tier before it. Each part
is added to the ones before it, so that their ratios multiply to the whole; the order is part of the figures. What
tiers save rests on how much the cheaper ones decide, so they are worked again as if those were unsure of more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from zlib import crc32

from tasks.money import Nanodollars
from tasks.run.agent import PREFETCH
from tasks.run.messages import ModelReply, ModelRequest, TokenUsage
from tasks.run.ports import Model
from tasks.run.tool import Tool
from worker.evaluation.figures import Graded, Share
from worker.evaluation.run import Bench
from worker.models.reuse import MemoryAnswers, Repeating, reusing
from worker.models.tier import Closable

PARTS = ("naive", "prefetch", "cache", "tiers", "duplicates")
UNSURE = {"half escalated": (0.5, 1), "all escalated": (1.0, 1), "half to the last": (0.5, None)}
"""The share of the tickets of which the first so many tiers (None: all but the last) are made to be unsure."""


@dataclass(slots=True)
class Metered:
    """A model that counts its paid calls. cached: False charges what the prompt cache held as plain input."""

    inner: Model
    cached: bool
    calls: int = 0
    usage: TokenUsage = field(default_factory=TokenUsage)

    @property
    def name(self) -> str:
        """The inner model's."""
        return self.inner.name

    async def call(self, request: ModelRequest) -> ModelReply:
        """See `tasks.run.ports.Model`."""
        return await self.inner.call(request)

    def worst_case(self, request: ModelRequest) -> Nanodollars:
        """See `tasks.run.ports.Model`."""
        return self.inner.worst_case(request)

    def cost(self, usage: TokenUsage) -> Nanodollars:
        """What a finished call cost; asked once for each."""
        self.calls += 1
        self.usage += usage
        return self.inner.cost(usage if self.cached else TokenUsage(usage.billed_input, usage.output_tokens))

    async def aclose(self) -> None:
        """Close what the inner model holds open."""
        if isinstance(self.inner, Closable):
            await self.inner.aclose()


@dataclass(frozen=True, slots=True)
class Unsure:
    """A model that abstains on a share of the tickets (0..1, the same for every model) whatever it thinks of them."""

    inner: Model
    share: float

    @property
    def name(self) -> str:
        """The inner model's."""
        return self.inner.name

    async def call(self, request: ModelRequest) -> ModelReply:
        """See `tasks.run.ports.Model`."""
        reply = await self.inner.call(request)
        drawn = crc32(request.ticket.text.encode()) / 2**32 < self.share
        return replace(reply, abstained="made to be unsure") if drawn else reply

    def worst_case(self, request: ModelRequest) -> Nanodollars:
        """See `tasks.run.ports.Model`."""
        return self.inner.worst_case(request)

    def cost(self, usage: TokenUsage) -> Nanodollars:
        """See `tasks.run.ports.Model`."""
        return self.inner.cost(usage)

    async def aclose(self) -> None:
        """Close what the inner model holds open."""
        if isinstance(self.inner, Closable):
            await self.inner.aclose()


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of working the tickets. Per ticket: cost in nanodollars, calls of each model, tokens.

    right: tickets routed where people route them. undecided: those without a suggestion, which cost less than they
    should.
    """

    name: str
    cost_nanodollars: float
    calls: Mapping[str, float]
    input_tokens: float
    cache_read_tokens: float
    output_tokens: float
    right: Share
    undecided: int


@dataclass(frozen=True, slots=True)
class CostReport:
    """The arms, each with one part more than the one before it. unsure: the tiers, as `UNSURE` says."""

    tickets: int
    arms: tuple[Arm, ...]
    unsure: tuple[Arm, ...] = ()

    @property
    def ratios(self) -> dict[str, float | None]:
        """How many times cheaper each part makes what stood before it, and all together; None for free."""
        found = {now.name: ratio(then, now) for then, now in pairwise(self.arms)}
        return {**found, "together": ratio(self.arms[0], self.arms[-1])}


def armed(bench: Bench, part: str, unsure: str = "") -> Bench:
    """The bench with this part and those before it; the others are taken away. unsure: of `UNSURE`, "" for none."""
    place = PARTS.index(part)
    tiers = bench.tiers if place >= PARTS.index("tiers") else bench.tiers[-1:]
    tools: Mapping[str, Tool] = bench.agent.tools
    if place < PARTS.index("prefetch"):
        tools = {name: tool for name, tool in tools.items() if name != PREFETCH}
    cached = place >= PARTS.index("cache")
    if unsure:
        share, count = UNSURE[unsure]
        cheaper = tiers[:-1][:count]
        tiers = (*(replace(tier, model=Unsure(tier.model, share)) for tier in cheaper), *tiers[len(cheaper) :])
    metered = tuple(replace(tier, model=Metered(tier.model, cached)) for tier in tiers)
    if place >= PARTS.index("duplicates"):
        metered = reusing(metered, MemoryAnswers())
    uncapped = replace(bench.limits, max_cost_nanodollars=None)  # a cap would end the dearer arms' runs early
    return replace(bench, tiers=metered, agent=replace(bench.agent, tools=tools), limits=uncapped)


def arm(name: str, bench: Bench, answers: Sequence[Graded]) -> Arm:
    """What an armed bench has used for these answers."""
    count = max(1, len(answers))
    models = [tier.model.inner if isinstance(tier.model, Repeating) else tier.model for tier in bench.tiers]
    meters = [model for model in models if isinstance(model, Metered)]
    usage = sum((meter.usage for meter in meters), TokenUsage())
    return Arm(
        name=name,
        cost_nanodollars=sum(answer.cost_nanodollars for answer in answers) / count,
        calls={meter.name: meter.calls / count for meter in meters},
        input_tokens=usage.billed_input / count,
        cache_read_tokens=usage.cache_read_tokens / count,
        output_tokens=usage.output_tokens / count,
        right=Share(sum(answer.right for answer in answers), len(answers)),
        undecided=sum(not answer.suggested_label for answer in answers),
    )


def ratio(then: Arm, now: Arm) -> float | None:
    """How many times cheaper; None for free."""
    return then.cost_nanodollars / now.cost_nanodollars if now.cost_nanodollars else None
