"""The scenarios: what goes wrong, on how many tickets, and how each should end by the failure plan."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fallbacks.ledger.states import State
from tasks.reasons import Reason
from worker.drill.stage import Stage
from worker.simulator.faults import FaultName

Act = Callable[[Stage], Awaitable[None]]
"""What happens once the tickets are on the queue."""


async def _nothing(_: Stage) -> None:
    """The faults are on from the start and stay."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One rehearsal.

    faults: switched on before the first ticket, fields of `Fault`. by_ticket: one ticket each, and the reason it is
    handed off for. reason: why every ticket is handed off; None: each ends as a suggestion. some: the reason is that of
    some tickets, the others being suggestions. settings: of the workers, over the quick ones. latency: of the model.
    alerts_down: whether alerts cannot be sent at first. act: what happens meanwhile.
    """

    name: str
    shows: str
    tickets: int = 6
    faults: tuple[Mapping[str, Any], ...] = ()
    by_ticket: tuple[tuple[FaultName, Reason], ...] = ()
    reason: Reason | None = None
    some: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    latency: str = "none"
    alerts_down: bool = False
    act: Act = _nothing

    def expected(self, ids: Sequence[str]) -> dict[str, set[Reason | None]]:
        """How each ticket may end: the reasons that are right, None standing for a suggestion."""
        if self.by_ticket:
            return {ticket_id: {reason} for ticket_id, (_, reason) in zip(ids, self.by_ticket, strict=True)}
        return {ticket_id: {self.reason, None} if self.some else {self.reason} for ticket_id in ids}

    def faults_for(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """The switches to set, those that hit one ticket included."""
        single = [
            {"fault": fault, "match": ticket_id} for ticket_id, (fault, _) in zip(ids, self.by_ticket, strict=False)
        ]
        return [*map(dict, self.faults), *single]


async def _recover(stage: Stage) -> None:
    """The provider comes back once every ticket has met the failure."""

    async def none_is_worked_on() -> bool:
        states = (await stage.stats()).states
        return states[State.QUEUED] == states[State.RUNNING] == 0

    await stage.until(none_is_worked_on)
    stage.simulator.faults.clear()


async def _kill_twice(stage: Stage) -> None:
    for finished in (1, 4):
        await _in_the_middle(stage, finished)
        await stage.kill_worker()


async def _restart_the_store(stage: Stage) -> None:
    await _in_the_middle(stage, 2)
    await stage.restart_store()


async def _in_the_middle(stage: Stage, finished: int) -> None:
    """Until some calls are done and others in flight."""

    async def calls() -> bool:
        return stage.simulator.calls.total_finished >= finished and stage.simulator.calls.in_flight > 0

    await stage.until(calls)


async def _alerts_come_up(stage: Stage) -> None:
    async def refused() -> bool:
        return stage.receiver.refused > 0

    await stage.until(refused)
    stage.receiver.down = False


SPENDTHRIFT = [
    [{"type": "tool_use", "id": f"toolu_{turn}", "name": "search_knowledge_base", "input": {"query": f"angle {turn}"}}]
    for turn in range(60)
]
"""A new search every turn: no loop to detect, and no decision."""

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "model_outage",
        "the model answers 500 and recovers; the tickets wait without a slot and complete",
        faults=({"fault": "500"},),
        act=_recover,
    ),
    Scenario(
        "rate_limit_storm",
        "the model answers 429 with retry-after; it is not called meanwhile, and all complete",
        tickets=8,
        faults=({"fault": "429", "retry_after": 1, "times": 6},),
    ),
    Scenario(
        "garbage_replies",
        "replies that break the contract reach people by reason",
        tickets=5,
        by_ticket=(
            (FaultName.PROSE, Reason.NO_DECISION),
            (FaultName.INVALID_DECISION, Reason.INVALID_DECISION),
            (FaultName.INVENTED_EVIDENCE, Reason.INVALID_DECISION),
            (FaultName.UNKNOWN_TOOL, Reason.INVALID_TOOL_CALL),
            (FaultName.REFUSAL, Reason.MODEL_REFUSED),
        ),
    ),
    Scenario(
        "gateway_page",
        "a gateway answers with a page under status 200 and recovers; the tickets wait and complete",
        faults=({"fault": "html200"},),
        act=_recover,
    ),
    Scenario(
        "endless_loop",
        "a model that repeats itself is stopped before its step limit",
        tickets=4,
        faults=({"fault": "alternating_loop", "match": "drill-4"}, {"fault": "endless_loop"}),
        reason=Reason.LOOP_DETECTED,
    ),
    Scenario(
        "run_cost_cap",
        "a model that never comes to an end, with no limit but money: no run passes its cap",
        tickets=4,
        faults=({"fault": "script", "script": SPENDTHRIFT},),
        reason=Reason.COST_LIMIT,
        settings={"max_cost_usd": "0.0032", "max_steps": "none", "max_tool_calls": "none"},
    ),
    Scenario(
        "fleet_cost_cap",
        "the fleet stops at its daily budget; what is left waits, and reaches people past its longest wait",
        tickets=10,
        reason=Reason.DEADLINE_PASSED,
        some=True,
        settings={"daily_budget_usd": "0.006", "max_wait_seconds": "12"},
        latency="0.3",
    ),
    Scenario(
        "worker_kill",
        "kill -9 in the middle of model calls, twice; what was paid is not paid again",
        tickets=10,
        settings={"call_seconds": "10"},
        latency="0.8",
        act=_kill_twice,
    ),
    Scenario(
        "store_restart",
        "kill -9 of the store; it comes back from its append-only file",
        tickets=10,
        latency="0.6",
        act=_restart_the_store,
    ),
    Scenario(
        "alert_sink_down",
        "hand-offs happen while alerts cannot be sent; each is reported once the receiver is back",
        tickets=4,
        faults=({"fault": "refusal"},),
        reason=Reason.MODEL_REFUSED,
        alerts_down=True,
        act=_alerts_come_up,
    ),
)
