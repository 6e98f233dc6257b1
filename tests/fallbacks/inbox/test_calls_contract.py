"""A call that waits for a person: approved once, as it was shown, in time, or not begun; on every store."""

import asyncio
from typing import Any

import pytest

from fallbacks.delivery.outcomes import OutcomeWriter
from fallbacks.errors import Stale
from fallbacks.inbox.conversations import Bounds, Conversations
from fallbacks.ledger.calls import pending
from fallbacks.ledger.ledger import Lease
from fallbacks.ledger.states import Closed, State
from fallbacks.ledger.sums.audit import audit
from tasks.conversation import Message
from tasks.errors import NewMessages, NotApproved
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.approval import digest_of
from tasks.run.limits import Limits
from tasks.run.tool import Effect
from tasks.ticket import Priority
from tasks.triage.process import HandDecision
from tests.fakes.desk import Workshop
from tests.fallbacks.scene import TRIAGE, Scene, scene

KEY, GIVEN = "t1:1:r1", {"query": "twice"}
DIGEST = digest_of(KEY, "refund", GIVEN)
WAIT_MS = 60_000


async def asked(s: Scene, lease: Lease | None = None, heard: int = 0) -> None:
    lease = lease or await s.running()
    event = ev.CallProposed(1, "r1", KEY, "refund", GIVEN, DIGEST, "payments", "Pays it back.", {"to": "card"}, "each")
    call = pending(event, await s.store.now_ms(), WAIT_MS)
    await s.ledger.propose(lease, (event,), call, Priority.NORMAL, heard)
    s.inbox.approval_seconds = 60
    s.inbox.tools = Workshop().tools


async def begin(s: Scene, lease: Lease, digest: str = DIGEST, heard: int = 0) -> str | None:
    return await s.ledger.begin_effect(lease, KEY, "refund", (), key_honoured=True, approval=digest, heard=heard)


async def added(s: Scene, body: str = "Never mind.") -> Any:
    talk = Conversations(s.store, TRIAGE, OutcomeWriter(wanted=False), Bounds(Limits()))
    return await talk.add("t1", Message(id="m1", body=body), door="http")


async def balanced(s: Scene) -> None:
    if not hasattr(s.store, "pass_ms"):  # the fake has no audit
        assert (await audit(s.store)).problems == ()


@scene
async def test_it_waits_in_the_inbox_without_a_lease(s: Scene) -> None:
    await asked(s)
    (item,) = (await s.inbox.page(["queue:approvals"])).items
    assert (item.state, item.decision, item.holder) == (State.SUGGESTED, None, None)
    assert item.call is not None
    assert (item.call.digest, item.call.target, item.call.does) == (DIGEST, "payments", "Pays it back.")
    assert "owner" not in await s.row()
    assert await s.members("due") == []
    await balanced(s)


@scene
async def test_an_approval_is_used_up_by_the_effect_it_was_given_for(s: Scene) -> None:
    await asked(s)
    version = await s.version()
    view = await s.inbox.approve_call("t1", "ann", version, DIGEST)
    assert (view.state, view.call) == (State.QUEUED, None)
    for person in ("ann", "eve"):
        with pytest.raises(Stale):
            await s.inbox.approve_call("t1", person, version, DIGEST)
    lease = await s.claim()
    assert await begin(s, lease) is None
    assert await begin(s, lease) is None  # a worker that lost the result asks under the same key
    with pytest.raises(NotApproved):
        await s.ledger.begin_effect(lease, "t1:1:r2", "refund", (), key_honoured=True, approval=DIGEST, heard=0)
    await s.ledger.end_effect(lease, KEY, "{}")
    assert await begin(s, lease) == "{}"
    await balanced(s)


@scene
async def test_of_two_people_at_once_one_comes_through(s: Scene) -> None:
    await asked(s)
    version = await s.version()
    acts = [s.inbox.approve_call("t1", who, version, DIGEST) for who in ("ann", "eve")]
    acts += [s.inbox.reject_call("t1", "bob", version, DIGEST, "no")]
    found = await asyncio.gather(*acts, return_exceptions=True)
    assert sorted(isinstance(one, Stale) for one in found) == [False, True, True]
    held = [kind for kind in await s.types() if kind in ("call_approved", "call_rejected")]
    assert len(held) == 1


@scene
async def test_nothing_is_begun_that_was_not_approved_as_it_is(s: Scene) -> None:
    lease = await s.running()
    with pytest.raises(NotApproved):
        await begin(s, lease)
    await asked(s, lease)
    with pytest.raises(Stale):
        await s.inbox.approve_call("t1", "ann", None, digest_of(KEY, "refund", {"query": "thrice"}))
    await s.inbox.approve_call("t1", "ann", None, DIGEST)
    lease = await s.claim()
    with pytest.raises(NotApproved):
        await begin(s, lease, digest_of(KEY, "refund", {"query": "thrice"}))
    await s.pass_ms(61_000)
    with pytest.raises(NotApproved):
        await begin(s, lease)
    assert "effect_begun" not in await s.types()


@scene
async def test_other_arguments_are_another_digest_within_the_schema(s: Scene) -> None:
    await asked(s)
    version = await s.version()
    with pytest.raises(ValueError, match="query"):
        await s.inbox.edit_call("t1", "ann", version, DIGEST, {"query": 3, "to": "me"})
    view = await s.inbox.edit_call("t1", "ann", version, DIGEST, {"query": "once"})
    assert view.call is not None
    assert (view.call.arguments, view.call.edited_by) == ({"query": "once"}, "ann")
    assert view.call.digest == digest_of(KEY, "refund", {"query": "once"}) != DIGEST
    with pytest.raises(Stale):
        await s.inbox.approve_call("t1", "eve", version, DIGEST)
    with pytest.raises(Stale):
        await s.inbox.approve_call("t1", "eve", view.version, DIGEST)
    await s.inbox.approve_call("t1", "eve", view.version, view.call.digest)
    lease = await s.claim()
    assert await begin(s, lease, view.call.digest) is None
    await balanced(s)


@scene
async def test_something_added_withdraws_what_waits_and_what_was_approved(s: Scene) -> None:
    await asked(s)
    assert (await added(s)).state is State.QUEUED
    with pytest.raises(Stale):
        await s.inbox.approve_call("t1", "ann", None, DIGEST)
    await asked(s, await s.claim(), heard=1)
    await s.inbox.approve_call("t1", "ann", None, DIGEST)
    lease = await s.claim()
    talk = Conversations(s.store, TRIAGE, OutcomeWriter(wanted=False), Bounds(Limits()))
    await talk.add("t1", Message(id="m2", body="Only half of it."), door="http")
    with pytest.raises(NewMessages):
        await begin(s, lease, heard=1)
    with pytest.raises(NotApproved):
        await begin(s, lease, heard=2)
    await balanced(s)


@scene
async def test_an_approval_ends_where_the_agent_is_done_with_the_ticket(s: Scene) -> None:
    await asked(s)
    await s.inbox.approve_call("t1", "ann", None, DIGEST)
    await s.hand_off(await s.claim(), Reason.TIME_LIMIT)
    await s.inbox.resume("t1", "ann", None, "", Limits())
    with pytest.raises(NotApproved):
        await begin(s, await s.claim())
    await balanced(s)


@scene
async def test_whoever_ends_the_ticket_ends_the_call_and_an_undo_brings_both_back(s: Scene) -> None:
    await asked(s)
    with pytest.raises(ValueError, match="a call waits"):
        await s.inbox.approve("t1", "ann", None)
    with pytest.raises(ValueError, match="a call waits"):
        await s.inbox.reject("t1", "ann", None, "no")
    view = await s.inbox.decide("t1", "ann", None, HandDecision(label="new_loan"))
    assert (view.state, view.call) == (State.DECIDED, None)
    view = await s.inbox.undo("t1", "ann", view.version)
    assert view.call is not None
    view = await s.inbox.close("t1", "ann", None, Closed.SPAM)
    view = await s.inbox.undo("t1", "ann", view.version)
    await s.inbox.approve_call("t1", "ann", view.version, DIGEST)
    assert await begin(s, await s.claim()) is None
    await balanced(s)


def test_a_tool_that_changes_nothing_has_nothing_to_approve() -> None:
    from pydantic import BaseModel

    from tasks.run.approval import Ask, asks, over
    from tasks.run.tool import ToolContext, tool

    class Amount(BaseModel):
        cents: int | None = None

    async def pay(arguments: Amount, context: ToolContext) -> None:
        """Pay."""

    with pytest.raises(TypeError, match="changes nothing"):
        tool(approval=Ask.ALWAYS)(pay)
    with pytest.raises(TypeError, match="do not have"):
        tool(effect=Effect.KEYED, approval=over("euros", 5))(pay)
    defined = tool(effect=Effect.KEYED, approval=over("cents", 500))(pay)
    assert [bool(asks(defined.approval, Amount(cents=cents))) for cents in (500, 501, None)] == [False, True, True]
