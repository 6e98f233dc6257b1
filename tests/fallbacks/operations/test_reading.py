"""What operators read: figures of days, listings, senders, workers and breakers, on the fake and on a real server."""

import json
from typing import Any

from fallbacks.ledger.ledger import Conclusion
from fallbacks.ledger.limits.control import Control
from fallbacks.ledger.past.examples import Examples
from fallbacks.ledger.states import State
from fallbacks.ledger.sums.figures import days_of
from fallbacks.ledger.sums.trend import compared, keep_trend, seen
from fallbacks.operations.breakers import breakers
from fallbacks.operations.fleet import fleet, least_room
from fallbacks.operations.listing import Wanted, find, parked_for
from fallbacks.operations.quality import quality
from fallbacks.operations.senders import senders
from fallbacks.plan import PLAN
from fallbacks.store import keys
from tasks.reasons import Reason
from tasks.ticket import Priority
from tests.fallbacks.scene import DECISION, TRIAGE, Scene, scene

MADE: dict[str, Any] = {"label": "lost_card", "team": "cards", "tier": "small", "version": "v1", "blind": False}


async def worked(s: Scene, ticket_id: str, cost: int, **fields: Any) -> None:
    """A ticket with one paid call and a suggestion."""
    lease = await s.running(ticket_id, **fields)
    await s.begin(lease, cost, f"call-{ticket_id}")
    await s.end(lease, cost, f"call-{ticket_id}")
    await s.ledger.suggest(lease, Conclusion((), DECISION, Priority.NORMAL, unaided=MADE, version="v1"))


@scene
async def test_spend_stands_by_model_source_and_kind_and_adds_up(s: Scene) -> None:
    await worked(s, "t1", 100)
    await worked(s, "t2", 50)
    lease = await s.running("t3")
    await s.begin(lease, 7)
    await s.end(lease, 7)
    await s.hand_off(lease)
    day = (await days_of(s.store, 2))[-1]
    assert day.spent == 157
    assert {what: dict(by) for what, by in day.by.items()} == {
        "model": {"small": 157},
        "source": {"mail": 157},
        "kind": {"lost_card": 150},
    }
    assert day.accepted == {"mail": 3}
    assert day.runs == {"v1": {"suggested": 2}}


@scene
async def test_a_run_that_is_sent_back_adds_only_what_it_costs_anew_to_its_kind(s: Scene) -> None:
    await worked(s, "t1", 100)
    await s.inbox.resume("t1", "ann", None, "", fresh=(await s.inbox.views.ticket("t1")).limits)
    lease = await s.claim("t1")
    await s.begin(lease, 30, "again")
    await s.end(lease, 30, "again")
    await s.ledger.suggest(lease, Conclusion((), DECISION, Priority.NORMAL, version="v1"))
    day = (await days_of(s.store, 2))[-1]
    assert (day.by["kind"], day.spent) == ({"lost_card": 130}, 130)


@scene
async def test_senders_have_the_share_of_what_they_sent(s: Scene) -> None:
    for n in range(3):
        await s.accept(f"a{n}", requester={"id": "ann"})
    await s.accept("b", requester={"email": "Ben@Example.org "})
    await s.accept("c")
    found = await senders(s.store)
    assert [(each.source, each.who, each.tickets, each.share) for each in found.requesters] == [
        ("mail", "ann", 3, 0.6),
        ("mail", "ben@example.org", 1, 0.2),
    ]
    assert (found.tickets, found.sources[0].tickets) == (5, 5)


@scene
async def test_tickets_are_found_by_state_reason_requester_source_and_age(s: Scene) -> None:
    await s.accept("old", requester={"id": "ann"})
    await s.pass_ms(7_200_000)
    await s.accept("new", requester={"id": "ben"})
    await s.handed_off("h1", Reason.STEP_LIMIT)
    await s.handed_off("h2", Reason.TOOL_FAILED)

    async def ids(**wanted: Any) -> list[str]:
        return [ticket.id for ticket in (await find(s.store, Wanted(**wanted))).tickets]

    assert await ids(states=(State.QUEUED,)) == ["old", "new"]
    assert await ids(states=(State.QUEUED,), older_seconds=3600) == ["old"]
    assert await ids(requester="ben") == ["new"]
    assert await ids(source="web") == []
    assert await ids(states=(State.HANDED_OFF,), reason=Reason.TOOL_FAILED) == ["h2"]
    assert sorted(await ids(reason=Reason.STEP_LIMIT)) == ["h1"]
    assert await ids(states=(State.QUEUED,), limit=1, skip=1) == ["new"]


@scene
async def test_a_listing_says_how_far_it_has_looked(s: Scene) -> None:
    for n in range(3):
        await s.accept(f"t{n}")
    some = await find(s.store, Wanted((State.QUEUED,), limit=2))
    assert (some.looked_at, some.indexed, some.complete) == (2, 3, False)
    rest = await find(s.store, Wanted((State.QUEUED,), limit=2, skip=2))
    assert (len(rest.tickets), rest.complete) == (1, True)


@scene
async def test_a_parked_ticket_says_why_and_until_when(s: Scene) -> None:
    now = await s.store.now_ms()
    await s.ledger.park(await s.running("t1"), (), Reason.MODEL_OVERLOADED, now + 60_000)
    listed = await find(s.store, Wanted((State.PARKED,)))
    assert [(t.reason, t.until_ms) for t in listed.tickets] == [("model_overloaded", now + 60_000)]
    assert await parked_for(s.store) == ({"model_overloaded": 1}, 1)


@scene
async def test_a_breaker_shows_when_the_next_call_is_tried(s: Scene) -> None:
    views = s.inbox.views
    lease = await s.running("t1")
    await s.begin(lease, 10)
    await s.fail(lease, "c1", retry_after_seconds=90)
    (found,) = await breakers(s.store, await views.stats(), ["never-called"])
    assert (found.model, found.state, found.reason, found.failures) == ("small", "open", "model_overloaded", 1)
    assert found.open_until_ms > await s.store.now_ms()
    await s.pass_ms(100_000)
    assert (await breakers(s.store, await views.stats()))[0].state == "half-open"


@scene
async def test_a_worker_that_is_not_heard_of_for_a_lease_is_silent(s: Scene) -> None:
    now = await s.store.now_ms()
    beat = {"queues": ["tickets"], "slots": 4, "busy": 1, "draining": False, "doing": ["t1"], "version": "abc"}
    beats = {
        "box:1": {**beat, "at": now, "history_room": [9, 100]},
        "box:2": {**beat, "at": now - 31_000, "history_room": [1, 100]},
        "box:3": {**beat, "at": now, "history_room": None},
    }
    await s.store.put(keys.WORKERS, {name: json.dumps(each) for name, each in beats.items()})
    found = await fleet(s.store, 30)
    assert [(worker.worker, worker.silent) for worker in found] == [("box:1", False), ("box:2", True), ("box:3", False)]
    assert (found[1].doing, found[1].version) == (("t1",), "abc")
    assert (least_room(found), least_room(found[2:])) == ((9, 100), None)


@scene
async def test_agreement_and_coverage_stand_by_day_and_version(s: Scene) -> None:
    await worked(s, "t1", 1)
    await worked(s, "t2", 1)
    await s.inbox.approve("t1", "ann", None)
    await s.inbox.decide("t2", "ann", None, TRIAGE.hand.model_validate({"label": "new_loan"}))
    lease = await s.running("t3")
    conclusion = Conclusion((), None, Priority.NORMAL, version="v1")
    row = (Reason.STEP_LIMIT, "why")
    await s.ledger.hand_off(lease, conclusion, *row, PLAN[row[0]].queue, PLAN[row[0]].severity)
    (found,) = await quality(Examples(s.store, TRIAGE), await days_of(s.store, 2))
    assert (found.version, found.runs, found.covered, found.judged, found.agreed) == ("v1", 3, 2, 2, 1)
    meters = await s.store.fields(keys.METERS)
    judged = [meters[f"suggestions_judged|agreed={said}"] for said in ("yes", "no")]
    assert judged == ["1", "1"]


@scene
async def test_a_deploy_is_written_down_once_and_only_where_something_changed(s: Scene) -> None:
    control = Control(s.store)
    await control.deployed("w1", {"code": "a", "prompt": "p"})
    await control.deployed("w2", {"code": "a", "prompt": "p"})
    await control.deployed("w3", {"code": "b", "prompt": "p"})
    assert [change.words for change in await control.log()] == ["code: a -> b", "prompt: none -> p", "code: none -> a"]
    assert await control.fields() == {}


@scene
async def test_the_trend_is_kept_once_in_five_minutes_and_compared_with(s: Scene) -> None:
    views = s.inbox.views
    assert await keep_trend(views)
    assert not await keep_trend(views)
    await s.accept("t1")
    both = await compared(s.store, seen(await views.stats()))
    assert both is not None
    assert both[0].counted("accepted") == 1
    assert both[1].counted("accepted") == 0


@scene
async def test_before_the_first_look_there_is_nothing_to_compare_with(s: Scene) -> None:
    assert await compared(s.store, seen(await s.inbox.views.stats())) is None
