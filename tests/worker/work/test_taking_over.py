"""Whoever stops in the middle of a ticket, another goes on: nothing is lost, and no finished call is paid again."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.states import State
from fallbacks.store.redis_store import RedisStore
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.messages import ModelReply, ModelRequest
from tests.fakes.desk import submit
from tests.fakes.scripted_model import ScriptedModel, hang, reply
from tests.worker.work.office import (
    LIMITS,
    SMALL,
    TRIAGE,
    Office,
    Serve,
    every_make,
)
from worker.models.anthropic.model import AnthropicModel
from worker.models.genai_pricing import Prices
from worker.models.tier import Tier


@pytest.mark.parametrize("cut", [False, True], ids=["between steps", "in a call"])
def test_a_draining_worker_gives_the_ticket_back_and_another_goes_on(office: Serve, cut: bool) -> None:
    async def work(it: Office) -> None:
        called = asyncio.Event()

        class Drained(AnthropicModel):
            """The second call, or the time after the first, finds the worker draining."""

            asked = 0

            async def call(self, request: ModelRequest) -> ModelReply:
                self.asked += 1
                if self.asked == 2:
                    first.live.draining = True
                    called.set()
                    return await hang(request)
                said = await super().call(request)
                first.live.draining = not cut
                return said

        model = Drained(SMALL, Prices(), api_key="k", base_url=it.simulator.url)
        first = it.executor(Tier(model, 0.5), owner="first")
        await it.accept()
        job = asyncio.ensure_future(first.triage("T-1"))
        if cut:
            await called.wait()
            first.live.held["T-1"][1].cancel()
        assert await job == "released"
        assert first.live.held == {}
        assert await first.triage("T-1") == "draining"
        assert (await it.views.ticket("T-1")).losses == 0
        view = await it.rest(it.executor(owner="second"))
        assert view.state is State.SUGGESTED
        report = it.simulator.calls.report()
        assert (report["repeated"], report["total"]["finished"]) == ([], 2)
        assert sum(isinstance(event, ev.CallLost) for event in await it.events()) == cut
        await it.balanced()
        await model.aclose()

    office(work)


def test_a_stale_worker_neither_writes_nor_forgets_the_lease_its_process_holds_now(office: Serve) -> None:
    async def work(it: Office) -> None:
        went_on, called = asyncio.Event(), asyncio.Event()
        good = reply(submit(label="card_arrival", evidence=["two weeks"]))

        async def paused(_: ModelRequest) -> ModelReply:
            called.set()
            await went_on.wait()
            return good

        async def slow(_: ModelRequest) -> ModelReply:
            went_on.set()
            assert await stale == "lease_lost"
            held = executor.live.held["T-1"]
            assert held[0].epoch == 2
            return good

        executor = it.executor(Tier(ScriptedModel([paused, slow]), 0.5))
        await it.accept()
        stale = asyncio.ensure_future(executor.triage("T-1"))
        await called.wait()
        await it.lapse()
        assert await executor.triage("T-1") == State.SUGGESTED
        assert executor.live.held == {}
        events = await it.events()
        assert sum(isinstance(event, ev.ModelReplied) for event in events) == 1
        assert sum(isinstance(event, ev.CallLost) for event in events) == 1
        await it.balanced()

    office(work)


def test_a_duplicate_message_finds_nothing_to_do(office: Serve) -> None:
    async def work(it: Office) -> None:
        await it.accept()
        executor = it.executor()
        outcomes = await asyncio.gather(*(executor.triage("T-1") for _ in range(5)))
        assert sorted(outcomes) == [*["running"] * 4, "suggested"]
        assert await executor.triage("T-1") == "suggested"
        assert await executor.triage("forged") == "unknown"
        assert it.simulator.calls.report()["repeated"] == []
        await it.balanced()

    office(work)


def test_a_ticket_that_outlives_too_many_workers_goes_to_people(office: Serve) -> None:
    async def work(it: Office) -> None:
        await it.accept()
        for _ in range(3):
            assert not isinstance(await it.ledger.claim("T-1", "doomed"), str)
            await it.lapse()
        assert await it.executor().hand_off("T-1") == "handed_off"
        view = await it.views.ticket("T-1")
        assert (view.reason, view.losses) == (Reason.WORKER_LOST, 3)
        await it.balanced()

    office(work)


@every_make
def test_after_a_worker_that_was_killed_in_a_call_another_goes_on_and_pays_no_finished_call_again(
    office: Serve, make: str
) -> None:
    async def work(it: Office) -> None:
        it.simulator.fault("timeout", messages=3, times=1)
        await it.accept(limits=replace(LIMITS, max_cost_nanodollars=10**10))
        killed = asyncio.ensure_future(it.executor().triage("T-1"))
        async with asyncio.timeout(30):
            while it.simulator.calls.total_requests < 2:  # noqa: ASYNC110 - a server has no event for it
                await asyncio.sleep(0.01)
        killed.cancel()
        await asyncio.wait([killed])
        await it.lapse()
        view = await it.rest(it.executor(owner="second"))
        assert (view.state, view.epoch) == (State.SUGGESTED, 2)
        events = await it.events()
        (lost,) = [event for event in events if isinstance(event, ev.CallLost)]
        reserved = {event.call_id: event.reserved_nanodollars for event in events if isinstance(event, ev.StepStarted)}
        assert lost.cost_nanodollars == reserved[lost.call_id] > 0
        assert it.simulator.calls.report()["repeated"] == []
        await it.balanced()

    office(work)


class CuttingStore:
    """A store whose n-th script is the place where the task that runs it is cancelled, before or after its effect."""

    def __init__(self, store: RedisStore, at: int, *, before: bool) -> None:
        self.store = store
        self.left = at
        self.before = before
        self.at_cancel: Callable[[], None] = lambda: None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def run(self, script: str, ticket_id: str, *args: str | int) -> Any:
        self.left -= 1
        if self.left == 0 and self.before:
            await self.cancel()
        answer = await self.store.run(script, ticket_id, *args)
        if self.left == 0:
            await self.cancel()
        return answer

    async def cancel(self) -> None:
        self.at_cancel()
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)


@pytest.mark.parametrize("draining", [False, True], ids=["cut", "drained"])
@pytest.mark.parametrize("before", [False, True], ids=["after", "before"])
@pytest.mark.parametrize("at", range(1, 8))
def test_a_run_cancelled_at_any_write_goes_on_elsewhere(office: Serve, at: int, before: bool, draining: bool) -> None:
    async def work(it: Office) -> None:
        look = {"type": "tool_use", "id": "a", "name": "search_knowledge_base", "input": {"query": "card"}}
        done = reply(submit(label="card_arrival", evidence=["two weeks"]))
        model = ScriptedModel([lambda request: done if len(request.messages) > 1 else reply(look)])
        cutting = CuttingStore(it.store, at, before=before)
        await it.accept()
        first = it.executor(Tier(model, 0.5), ledger=Ledger(cutting, TRIAGE, lease_ms=5000))
        cutting.at_cancel = lambda: setattr(first.live, "draining", draining)
        job = asyncio.ensure_future(first.triage("T-1"))
        await asyncio.wait([job])
        assert first.live.held == {}
        if (await it.views.ticket("T-1")).state is State.RUNNING:
            await it.lapse()
        if (await it.views.ticket("T-1")).state is State.QUEUED:
            await it.rest(it.executor(Tier(model, 0.5), owner="second"))
        assert (await it.views.ticket("T-1")).state is State.SUGGESTED
        events = await it.events()
        finished = [event for event in events if isinstance(event, ev.ModelReplied)]
        assert [event.content[0]["name"] for event in finished] == [look["name"], "submit_decision"]
        lost = sum(isinstance(event, ev.CallLost) for event in events)
        assert lost <= 1
        assert sum(isinstance(event, ev.StepStarted) for event in events) == 2 + lost
        await it.balanced()

    office(work)


def test_a_worker_that_takes_its_ticket_again_cuts_the_run_it_had_before(office: Serve) -> None:
    """A server that came back without its last second gives out the same epoch to the same owner: no fence tells."""

    async def work(it: Office) -> None:
        started, done = asyncio.Event(), reply(submit(label="card_arrival", evidence=["two weeks"]))

        async def first_call(request: ModelRequest) -> ModelReply:
            started.set()
            return await hang(request)

        await it.accept()
        worker = it.executor(Tier(ScriptedModel([first_call, done]), 0.5))
        lost: list[asyncio.Task[str]] = []

        async def forgotten() -> None:
            lost.append(asyncio.ensure_future(worker.triage("T-1")))
            await started.wait()

        await it.set_back(forgotten)
        assert await worker.triage("T-1") == State.SUGGESTED
        ended, _ = await asyncio.wait(lost, timeout=60)
        assert [task.result() for task in ended] == ["lease_lost"]
        assert worker.live.held == {}
        await it.balanced()

    office(work)
