"""Whatever people and workers do with a call that waits, in whatever order: it is done at most once, never without an
approval of exactly what is done, given on what is so still; and where it waits, it is seen.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from fallbacks.delivery.outcomes import OutcomeWriter
from fallbacks.errors import Stale
from fallbacks.inbox.conversations import Bounds, Conversations
from fallbacks.ledger.calls import pending
from fallbacks.ledger.ledger import Lease
from fallbacks.ledger.states import State
from fallbacks.ledger.sums.audit import audit
from fallbacks.store.redis_store import RedisStore
from tasks.conversation import Message
from tasks.errors import LeaseLost, NewMessages, NotApproved
from tasks.run import events as ev
from tasks.run.approval import digest_of
from tasks.run.limits import Limits
from tasks.ticket import Priority
from tests.depth import cases
from tests.fakes.desk import Workshop
from tests.fallbacks.scene import TRIAGE, Scene

KEY = "t1:1:r1"
queries, people = st.sampled_from(["once", "twice"]), st.sampled_from(["ann", "eve"])

T = TypeVar("T")


def digest(query: str) -> str:
    return digest_of(KEY, "refund", {"query": query})


@dataclass(slots=True)
class Known:
    """What must be so. query: what people are shown, "" for nothing; approved: what one of them let happen."""

    state: State = State.QUEUED
    query: str = ""
    approved: str = ""
    begun: str = ""
    heard: int = 0
    seen: list[tuple[int, str]] = field(default_factory=list)


class CallsMachine(RuleBasedStateMachine):
    """One ticket, whose run wants one call, which people see as it was at some time."""

    url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.store = RedisStore(self.url)
        self.loop.run(self.store.redis.flushdb())
        self.s, self.known = Scene(self.store), Known()
        self.s.inbox.tools, self.s.inbox.approval_seconds = Workshop().tools, 60
        self.talk = Conversations(self.store, TRIAGE, OutcomeWriter(wanted=False), Bounds(Limits(), per_hour=None))
        self.lease = Lease("t1", 0, "nobody")

    def teardown(self) -> None:
        self.loop.run(self.store.aclose())
        self.loop.close()

    def does(self, action: Awaitable[T], *refusals: type[Exception]) -> T | None:
        """None where it is refused."""

        async def wait() -> T | None:
            try:
                return await action
            except refusals:
                return None

        return self.loop.run(wait())

    @initialize()
    def accepted(self) -> None:
        self.does(self.s.accept())

    @rule()
    def claim(self) -> None:
        if self.known.state is State.QUEUED:
            self.lease = self.loop.run(self.s.claim())
            self.known.state = State.RUNNING

    @rule(query=queries)
    def propose(self, query: str) -> None:
        event = ev.CallProposed(1, "r1", KEY, "refund", {"query": query}, digest(query), "pay", "Pays.", {}, "each")
        call = pending(event, 0, 2**52)
        heard = self.known.heard
        done = self.s.ledger.propose(self.lease, (event,), call, Priority.NORMAL, heard)
        self.does(done, LeaseLost)
        if self.known.state is State.RUNNING:
            self.known.state, self.known.query, self.known.approved = State.SUGGESTED, query, ""
            self.look()

    @rule()
    def look(self) -> None:
        if self.known.query:
            self.known.seen.append((self.loop.run(self.s.version()), self.known.query))

    @rule(person=people, latest=st.booleans(), twice=st.booleans())
    def approve(self, person: str, latest: bool, twice: bool) -> None:
        """On a page that may be old; some click twice."""
        if not self.known.seen:
            return
        version, query = self.known.seen[-1 if latest else 0]
        fits = self.fits(version, query)
        found = [self.does(self.act("approve_call", person, version, query), *REFUSALS) for _ in range(1 + twice)]
        assert sum(one is not None for one in found) == fits
        if fits:
            self.known.state, self.known.approved, self.known.query = State.QUEUED, query, ""

    @rule(person=people, latest=st.booleans())
    def reject(self, person: str, latest: bool) -> None:
        if self.known.seen:
            version, query = self.known.seen[-1 if latest else 0]
            fits = self.fits(version, query)
            assert (self.does(self.act("reject_call", person, version, query, "no"), *REFUSALS) is not None) == fits
            if fits:
                self.known.state, self.known.query = State.QUEUED, ""

    @rule(person=people, query=queries, latest=st.booleans())
    def edit(self, person: str, query: str, latest: bool) -> None:
        if self.known.seen:
            version, was = self.known.seen[-1 if latest else 0]
            fits = self.fits(version, was)
            done = self.does(self.act("edit_call", person, version, was, {"query": query}), *REFUSALS)
            assert (done is not None) == fits
            if fits:
                self.known.query = query

    def act(self, name: str, person: str, version: int, query: str, *more: Any) -> Awaitable[Any]:
        act: Awaitable[Any] = getattr(self.s.inbox, name)("t1", person, version, digest(query), *more)
        return act

    def fits(self, version: int, query: str) -> bool:
        return bool(self.known.query) and self.known.query == query and self.loop.run(self.s.version()) == version

    @rule()
    def something_is_added(self) -> None:
        self.known.heard += 1
        message = Message(id=f"m{self.known.heard}", body="More.")
        self.loop.run(self.talk.add("t1", message, door="http"))
        self.known.approved = ""
        if self.known.state is State.SUGGESTED:
            self.known.state, self.known.query = State.QUEUED, ""

    @rule(query=queries, reads=st.booleans(), zombie=st.booleans())
    def begin(self, query: str, reads: bool, zombie: bool) -> None:
        """By a worker that has read what was added, or not; by one that holds the lease, or not."""
        lease = Lease("t1", self.lease.epoch - 1, "w0") if zombie else self.lease
        heard = self.known.heard if reads else 0
        begin = self.s.ledger.begin_effect(
            lease, KEY, "refund", (), key_honoured=True, approval=digest(query), heard=heard
        )
        holds = self.known.state is State.RUNNING and not zombie
        allowed = holds and (self.known.begun or (heard == self.known.heard and self.known.approved == query))

        async def begun() -> bool:
            try:
                await begin
            except (LeaseLost, NewMessages, NotApproved):
                return False
            return True

        assert self.loop.run(begun()) == bool(allowed)
        if allowed and not self.known.begun:
            self.known.begun, self.known.approved = query, ""

    @rule()
    def hand_off(self) -> None:
        if self.known.state is State.RUNNING:
            self.loop.run(self.s.hand_off(self.lease))
            self.known.state, self.known.approved = State.HANDED_OFF, ""

    @rule()
    def release(self) -> None:
        if self.known.state is State.RUNNING:
            self.loop.run(self.s.ledger.release(self.lease, (), "stopping"))
            self.known.state = State.QUEUED

    @rule(person=people)
    def resume(self, person: str) -> None:
        if self.known.state in (State.SUGGESTED, State.HANDED_OFF):
            self.does(self.s.inbox.resume("t1", person, None, "", Limits()))
            self.known.state, self.known.query, self.known.approved = State.QUEUED, "", ""

    @invariant()
    def it_is_seen_where_it_waits_and_nothing_is_done_unasked(self) -> None:
        view = self.loop.run(self.s.inbox.views.ticket("t1"))
        assert (view.state, view.call is not None) == (self.known.state, bool(self.known.query))
        if view.call is not None:
            assert view.call.digest == digest(self.known.query)
            assert [item.id for item in self.loop.run(self.s.inbox.page(["queue:approvals"])).items] == ["t1"]
        row = self.loop.run(self.store.row("t1"))
        assert ("approved" in row) == bool(self.known.approved)

    @rule()
    def audited(self) -> None:
        assert self.loop.run(audit(self.store)).problems == ()


REFUSALS = (Stale, ValueError)


def test_a_call_happens_once_and_as_approved_whatever_happens(valkey_url: str) -> None:
    CallsMachine.url = valkey_url
    run_state_machine_as_test(
        CallsMachine,
        settings=settings(
            max_examples=cases(4, 200),
            stateful_step_count=25,
            derandomize=True,
            print_blob=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
