"""Every fault of a model's API ends a ticket as the plan says, with the ledger balanced."""

from dataclasses import replace

import pytest

from fallbacks.ledger.states import State
from fallbacks.plan import PLAN
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.limits import Limits
from tests.worker.work.office import LIMITS, Office, Serve, every_make
from worker.simulator import FaultName

HURRIED = Limits(max_seconds=1.0)


FAULTS: dict[FaultName, tuple[Reason | None, Limits]] = {
    FaultName.BAD_REQUEST: (Reason.MODEL_REQUEST_INVALID, LIMITS),
    FaultName.UNAUTHORIZED: (Reason.MODEL_AUTH, LIMITS),
    FaultName.FORBIDDEN: (Reason.MODEL_AUTH, LIMITS),
    FaultName.NOT_FOUND: (Reason.MODEL_NOT_FOUND, LIMITS),
    FaultName.BILLING: (Reason.MODEL_SPEND_LIMIT, LIMITS),
    FaultName.SPEND_LIMIT: (Reason.MODEL_SPEND_LIMIT, LIMITS),
    FaultName.TOO_LARGE: (Reason.CONTEXT_EXCEEDED, LIMITS),
    FaultName.PROMPT_TOO_LONG: (Reason.CONTEXT_EXCEEDED, LIMITS),
    FaultName.RATE_LIMITED: (Reason.MODEL_RATE_LIMITED, LIMITS),
    FaultName.OVERLOADED: (Reason.MODEL_OVERLOADED, LIMITS),
    FaultName.INTERNAL: (Reason.MODEL_UNAVAILABLE, LIMITS),
    FaultName.BAD_GATEWAY: (Reason.MODEL_UNAVAILABLE, LIMITS),
    FaultName.UNAVAILABLE: (Reason.MODEL_UNAVAILABLE, LIMITS),
    FaultName.GATEWAY_TIMEOUT: (Reason.MODEL_TIMEOUT, LIMITS),
    FaultName.CUT: (Reason.MODEL_UNAVAILABLE, LIMITS),
    FaultName.CUT_BEFORE_REPLY: (Reason.MODEL_UNAVAILABLE, LIMITS),
    FaultName.MALFORMED_JSON: (Reason.MALFORMED_REPLY, LIMITS),
    FaultName.MISSING_USAGE: (Reason.MALFORMED_REPLY, LIMITS),
    FaultName.ABSURD_USAGE: (Reason.MALFORMED_REPLY, LIMITS),
    FaultName.HTML_200: (Reason.MALFORMED_REPLY, LIMITS),
    FaultName.ERROR_200: (Reason.MODEL_OVERLOADED, LIMITS),
    FaultName.STREAM_200: (Reason.MODEL_OVERLOADED, LIMITS),
    FaultName.TIMEOUT: (Reason.TIME_LIMIT, HURRIED),
    FaultName.DRIP: (Reason.TIME_LIMIT, HURRIED),
    FaultName.SLOW: (Reason.TIME_LIMIT, HURRIED),
    FaultName.REFUSAL: (Reason.MODEL_REFUSED, LIMITS),
    FaultName.MAX_TOKENS: (Reason.REPLY_TRUNCATED, LIMITS),
    FaultName.UNKNOWN_STOP: (Reason.UNKNOWN_STOP, LIMITS),
    FaultName.CONTEXT_EXCEEDED: (Reason.CONTEXT_EXCEEDED, LIMITS),
    FaultName.PROSE: (Reason.NO_DECISION, LIMITS),
    FaultName.EMPTY_CONTENT: (Reason.NO_DECISION, LIMITS),
    FaultName.UNKNOWN_TOOL: (Reason.INVALID_TOOL_CALL, LIMITS),
    FaultName.BAD_ARGUMENTS: (Reason.INVALID_DECISION, LIMITS),
    FaultName.ENDLESS_LOOP: (Reason.LOOP_DETECTED, LIMITS),
    FaultName.ALTERNATING_LOOP: (Reason.LOOP_DETECTED, LIMITS),
    FaultName.INVALID_DECISION: (Reason.INVALID_DECISION, LIMITS),
    FaultName.INVENTED_EVIDENCE: (Reason.INVALID_DECISION, LIMITS),
    FaultName.LOW_CONFIDENCE: (Reason.LOW_CONFIDENCE, LIMITS),
    FaultName.PAUSE_TURN: (None, LIMITS),
    FaultName.REPEATED_IDS: (None, LIMITS),
}
WAITED_FOR = {reason for reason, row in PLAN.items() if row.breaker and row.parks != 0}


def test_every_fault_of_the_simulator_is_tried() -> None:
    assert FAULTS.keys() == set(FaultName) - {FaultName.SCRIPT}


BILLED_AT_THE_WORST = {("openai", FaultName.MISSING_USAGE): (None, LIMITS)}
"""Many servers of this form say no usage: the reply counts, at the worst case."""


@every_make
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_ends_in_its_reason_with_the_ledger_balanced(office: Serve, make: str, fault: FaultName) -> None:
    reason, limits = BILLED_AT_THE_WORST.get((make, fault), FAULTS[fault])

    async def work(it: Office) -> None:
        it.simulator.fault(fault.value, seconds=3.0)
        steps = 24 if reason in WAITED_FOR else limits.max_steps
        await it.accept(limits=replace(limits, max_steps=steps, max_cost_nanodollars=10**10))
        view = await it.rest(it.executor())
        expected = (State.SUGGESTED, None) if reason is None else (State.HANDED_OFF, reason)
        assert (view.state, view.reason) == expected, view.detail
        await it.balanced()
        if reason is None:
            return
        events = await it.events()
        assert (events[-1].type, view.queue) == ("handed_off", PLAN[reason].queue.value)
        parks = sum(isinstance(event, ev.Parked) for event in events)
        retries = sum(isinstance(event, ev.Retried) for event in events)
        assert retries == PLAN[reason].retries
        assert (0 < parks <= (PLAN[reason].parks or 0)) == (reason in WAITED_FOR)
        if reason is not Reason.LOW_CONFIDENCE:
            assert view.decision is None

    office(work)


def test_a_call_that_hangs_where_the_run_has_time_is_a_timeout_of_the_model(office: Serve) -> None:
    async def work(it: Office) -> None:
        it.simulator.fault("timeout", times=1)
        await it.accept(limits=replace(LIMITS, max_cost_nanodollars=10**10))
        view = await it.rest(it.executor(call_seconds=3))
        assert view.state is State.SUGGESTED
        (failed,) = [event for event in await it.events() if isinstance(event, ev.ModelFailed)]
        assert failed.reason == Reason.MODEL_TIMEOUT
        assert failed.cost_nanodollars > 0
        await it.balanced()

    office(work)


@pytest.mark.parametrize("absurd", ["9" * 30, "9" * 400], ids=["no integer", "no number"])
def test_a_reply_that_says_come_back_never_is_settled_and_said_for_what_it_is(office: Serve, absurd: str) -> None:
    async def work(it: Office) -> None:
        it.simulator.fault("429", retry_after=absurd)
        await it.accept()
        view = await it.rest(it.executor())
        assert (view.state, view.reason) == (State.HANDED_OFF, Reason.MODEL_RATE_LIMITED), view.detail
        await it.balanced()

    office(work)


@every_make
def test_a_trouble_that_passes_is_waited_for_and_the_finished_calls_are_kept(office: Serve, make: str) -> None:
    async def work(it: Office) -> None:
        it.simulator.fault("429", messages=3, times=2, retry_after=1)
        await it.accept(limits=replace(LIMITS, max_cost_nanodollars=10**10))
        view = await it.rest(it.executor())
        assert view.state is State.SUGGESTED
        assert it.simulator.calls.report()["repeated"] == []
        assert sum(isinstance(event, ev.Parked) for event in await it.events()) == 2
        await it.balanced()

    office(work)
