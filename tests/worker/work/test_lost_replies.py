"""Every reply of the server is lost once: redis-py sends the script again, and nothing in the ledger may show it."""

from dataclasses import replace
from typing import Any

import pytest

from fallbacks.delivery.alerts import AlertDesk
from fallbacks.delivery.outcomes import OutcomeWriter
from fallbacks.inbox.inbox import Inbox
from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.states import State
from fallbacks.ledger.sums.audit import audit
from fallbacks.store.port import Store
from fallbacks.store.redis_store import RedisStore
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.triage.process import HandDecision
from tests.fakes.desk import Workshop, submit
from tests.fakes.scripted_model import ScriptedModel, reply, tool_use
from tests.worker.work.office import LIMITS, TRIAGE, Office, Serve
from worker.models.tier import Tier

FAULTS = {None: None, "529": Reason.MODEL_OVERLOADED, "endless_loop": Reason.LOOP_DETECTED, "prose": Reason.NO_DECISION}


class EveryReplyLost:
    """A store whose every script is sent a second time, as after a reply that did not arrive."""

    def __init__(self, store: RedisStore) -> None:
        self.store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def run(self, script: str, ticket_id: str, *args: str | int) -> Any:
        await self.store.run(script, ticket_id, *args)
        return await self.store.run(script, ticket_id, *args)


def lossy(it: Office) -> Ledger:
    store: Store = EveryReplyLost(it.store)
    return Ledger(store, TRIAGE, lease_ms=5000)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_run_ends_as_it_would_have(office: Serve, fault: str | None) -> None:
    async def work(it: Office) -> None:
        if fault:
            it.simulator.fault(fault)
        await it.accept(limits=replace(LIMITS, max_steps=24, max_cost_nanodollars=10**10))
        view = await it.rest(it.executor(ledger=lossy(it)))
        assert view.reason == FAULTS[fault], view.detail
        assert (await audit(it.store)).problems == ()
        types = [event.type for event in await it.events()]
        assert types.count("claimed") == view.epoch
        assert len([event for event in types if event == "step_started"]) == view.steps
        assert it.simulator.calls.report()["repeated"] == [] or fault

    office(work)


def test_an_effect_is_done_once(office: Serve) -> None:
    async def work(it: Office) -> None:
        it.ledger, shop = lossy(it), Workshop()
        script = [
            reply(tool_use("a", "notify", {"query": "x"}), tool_use("b", "refund", {"query": "x"})),
            reply(submit(label="card_arrival", evidence=["two weeks"])),
        ]
        await it.accept()
        view = await it.rest(it.executor(Tier(ScriptedModel(script), 0.5), tools=shop.tools()))
        assert view.state is State.SUGGESTED, view.detail
        assert sorted(name for name, _, _ in shop.called) == ["notify", "refund", "ticket_context"]
        assert (await audit(it.store)).problems == ()

    office(work)


def test_what_people_do_is_done_once(office: Serve) -> None:
    async def work(it: Office) -> None:
        ledger = lossy(it)
        inbox = Inbox(ledger.store, TRIAGE, OutcomeWriter(wanted=True))
        await it.accept()
        await it.rest(it.executor())
        taken = await inbox.next("ann")
        assert taken is not None
        await inbox.note("T-1", "ann", "hello")
        view = await inbox.decide("T-1", "ann", None, HandDecision(label="card_arrival"))
        view = await inbox.undo("T-1", "ann", view.version)
        view = await inbox.resume("T-1", "ann", view.version, "look again", LIMITS)
        view = await it.rest(it.executor())
        view = await inbox.reject("T-1", "ann", view.version, "no")
        await inbox.cancel("T-1", "ann")
        types = [event.type for event in await it.events()]
        assert [types.count(name) for name in ("decided", "resumed", "cancelled", "handed_off")] == [1, 1, 1, 1]
        acts = [event.action for event in await it.events() if isinstance(event, ev.PersonActed)]
        assert acts == ["claim", "note", "undo", "reject"]
        assert len(await it.store.listed("examples", 0, -1)) == 0
        assert await it.store.sizes(["outbox"]) == [1]
        assert (await audit(it.store)).problems == ()

    office(work)


def test_a_sweep_and_an_alert_are_late_and_not_lost(office: Serve) -> None:
    class Sink:
        name = "sink"

        def __init__(self) -> None:
            self.got: list[str] = []

        async def send(self, alert: Any) -> None:
            self.got.append(alert.id)

    async def work(it: Office) -> None:
        ledger, sink = lossy(it), Sink()
        desk = AlertDesk(ledger.store, (sink,), 60)
        await it.accept()
        await it.store.redis.zadd(f"{it.store.prefix}due", {"T-1": 0})
        assert await ledger.sweep(limit=9, max_losses=3) == []
        assert await it.store.sizes(["due"]) == [1]
        await it.ledger.reject("rej_1", "cmF3", "no subject", "intake")
        await it.store.redis.zadd(f"{it.store.prefix}alerts", {"unreadable": 0})
        assert await desk.send_due() == []
        await it.store.redis.zadd(f"{it.store.prefix}alerts", {"unreadable": 0})
        desk.store = it.store
        await desk.send_due()
        assert sink.got == ["unreadable-1"]
        assert (await audit(it.store)).problems == ()

    office(work)
