"""Executors for tests: everything plain but what a test says."""

from typing import Any

from fallbacks.autonomy.standing import Judgement, Key
from fallbacks.delivery.outcomes import OutcomeWriter
from fallbacks.ledger.ledger import Ledger
from tests.fakes.desk import TRIAGE
from worker.config.settings import Autonomy
from worker.work.executor import Executor, Tier


async def suggest(_: Key) -> Judgement:
    return Judgement(auto=False, blind=False, why="nothing was earned")


def executor(ledger: Ledger, tiers: tuple[Tier, ...], **otherwise: Any) -> Executor:
    """One that suggests, without tools, outcomes or a cap of the day. otherwise: fields of `Executor`."""
    plain: dict[str, Any] = {
        "owner": "w1",
        "process": TRIAGE,
        "tools": {},
        "outcomes": OutcomeWriter(wanted=False),
        "autonomy": Autonomy.SUGGEST,
        "day_cap": None,
        "call_seconds": 5.0,
        "max_output_tokens": 1024,
        "max_losses": 3,
        "judge": suggest,
    }
    return Executor(ledger=ledger, tiers=tiers, **{**plain, **otherwise})
