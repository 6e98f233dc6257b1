"""Executors for tests: everything plain but what a test says."""

from collections.abc import Mapping
from typing import Any

from fallbacks.autonomy.standing import Judgement, Key
from fallbacks.delivery.outcomes import OutcomeWriter
from fallbacks.ledger.ledger import Ledger
from tasks.run.agent import Agent
from tasks.run.process import Process
from tasks.run.tool import Tool
from tests.fakes.desk import TRIAGE
from worker.models.tier import Tier
from worker.work.executor import Executor
from worker.work.live_runs import LiveRuns

NO_TOOLS: Mapping[str, Tool] = {}


async def suggest(_: Key) -> Judgement:
    return Judgement(auto=False, blind=False, why="nothing was earned")


def executor(
    ledger: Ledger,
    tiers: tuple[Tier, ...],
    process: Process = TRIAGE,
    tools: Mapping[str, Tool] = NO_TOOLS,
    call_seconds: float = 5.0,
    owner: str = "w1",
    **otherwise: Any,
) -> Executor:
    """One that suggests, without outcomes or a cap of the day. otherwise: fields of `Executor`."""
    agent = Agent(process, tools, call_seconds=call_seconds)
    plain: dict[str, Any] = {"outcomes": OutcomeWriter(wanted=False), "judge": suggest}
    return Executor(live=LiveRuns(owner), ledger=ledger, agent=agent, tiers=tiers, **{**plain, **otherwise})
