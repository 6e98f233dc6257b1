"""Whatever workers, zombies, people and the sweep do in whatever order: the books keep the promise.

A state machine drives ledger and inbox on a real server, and says beforehand, from a few plain dicts, what each
action must do. After every action the audit must balance and the model must agree with the books.
"""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test

from fallbacks.audit import audit
from fallbacks.errors import Stale
from fallbacks.ledger import Claim, Conclusion, Lease
from fallbacks.redis_store import RedisStore
from fallbacks.states import ENDED, INBOX, State
from tasks.errors import EffectUnknown, LeaseLost, StepRefused
from tasks.limits import Limits
from tasks.reasons import Reason
from tasks.ticket import Priority
from tests.fallbacks.scene import DECISION, Scene, ticket

IDS = [f"t{n}" for n in range(4)]
OWNERS = ["w1", "w2", "w3"]
PEOPLE = ["ann", "eve"]
RUN_CAP, DAY_CAP = 250, 600
LEASE_MS, MAX_LOSSES = 30_000, 3

T = TypeVar("T")


@dataclass(slots=True)
class Known:
    """What the model knows of one ticket. money: spent, reserved. fence: what a live lease must carry."""

    state: State = State.QUEUED
    epoch: int = 0
    owner: str = ""
    spent: int = 0
    reserved: int = 0
    call: str = ""
    settled: str = ""
    losses: int = 0
    cap: int = RUN_CAP
    lease_age: int = 0
    effects: dict[str, str] = field(default_factory=dict)

    def holds(self, lease: Lease) -> bool:
        return self.state is State.RUNNING and (self.epoch, self.owner) == (lease.epoch, lease.owner)

    def settle_lost(self) -> None:
        self.spent, self.reserved, self.call = self.spent + self.reserved, 0, ""

    def leave(self, state: State) -> None:
        self.settle_lost()
        self.state, self.owner = state, ""


class Books(RuleBasedStateMachine):
    """Leases pile up in a bundle and are used at any time after, so most of their users are zombies."""

    url: ClassVar[str]
    leases: Bundle[Lease] = Bundle("leases")
    tickets: Bundle[str] = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.store = RedisStore(self.url)
        self.loop.run(self.store.redis.flushdb())
        self.s = Scene(self.store)
        self.known: dict[str, Known] = {}
        self.calls = 0

    def teardown(self) -> None:
        self.loop.run(self.store.aclose())
        self.loop.close()

    def told(self, action: Awaitable[T]) -> T:
        async def wait() -> T:
            return await action

        return self.loop.run(wait())

    @contextmanager
    def fenced(self, lease: Lease) -> Iterator[Known | None]:
        """Gives what is known where the lease still holds; expects `LeaseLost` where it does not."""
        known = self.known[lease.ticket_id]
        if known.holds(lease):
            yield known
        else:
            with pytest.raises(LeaseLost):
                yield None

    @property
    def day_total(self) -> int:
        return sum(known.spent + known.reserved for known in self.known.values())

    @rule(target=tickets, ticket_id=st.sampled_from(IDS), owner=st.sampled_from(OWNERS))
    def accept(self, ticket_id: str, owner: str) -> Any:
        limits = Limits(max_cost_nanodollars=RUN_CAP)
        accepted = self.told(self.s.ledger.accept(ticket(ticket_id), limits))
        assert accepted.created == (ticket_id not in self.known)
        self.known.setdefault(ticket_id, Known())
        return ticket_id if accepted.created else multiple()

    @rule(target=leases, ticket_id=tickets, owner=st.sampled_from(OWNERS))
    def claim(self, ticket_id: str, owner: str) -> Any:
        known = self.known[ticket_id]
        found = self.told(self.s.ledger.claim(ticket_id, owner))
        if known.state is not State.QUEUED:
            assert found == known.state.value
            return multiple()
        assert isinstance(found, Claim)
        known.state, known.epoch, known.owner, known.lease_age = State.RUNNING, known.epoch + 1, owner, 0
        assert found.lease == Lease(ticket_id, known.epoch, owner)
        assert found.losses == known.losses
        return found.lease

    @rule(lease=leases, worst=st.integers(0, 150), again=st.booleans())
    def begin_step(self, lease: Lease, worst: int, again: bool) -> None:
        self.calls += 1
        with self.fenced(lease) as known:
            call = known.call if known and again and known.call else f"c{self.calls}"
            step = self.s.begin(lease, worst, call, known.cap if known else RUN_CAP, DAY_CAP)
            if known is None or call == known.call:
                self.told(step)
                return
            known.settle_lost()
            if known.spent + worst > known.cap or self.day_total + worst > DAY_CAP:
                with pytest.raises(StepRefused) as refused:
                    self.told(step)
                over_run = known.spent + worst > known.cap
                assert refused.value.reason is (Reason.COST_LIMIT if over_run else Reason.DAILY_BUDGET)
                return
            self.told(step)
            known.reserved, known.call, known.lease_age = worst, call, 0

    @rule(lease=leases, share=st.floats(0, 1), again=st.booleans())
    def end_step(self, lease: Lease, share: float, again: bool) -> None:
        known = self.known[lease.ticket_id]
        call = known.settled if again and known.settled else known.call
        cost = int(known.reserved * share)
        end = self.s.end(lease, cost, call)
        if not known.holds(lease) or call not in (known.call, known.settled) or not call:
            with pytest.raises(LeaseLost):
                self.told(end)
            return
        self.told(end)
        if call == known.call:
            known.spent, known.reserved, known.call, known.settled = known.spent + cost, 0, "", call
            known.lease_age = 0

    @rule(lease=leases, key=st.sampled_from(["k1", "k2"]), honoured=st.booleans())
    def begin_effect(self, lease: Lease, key: str, honoured: bool) -> None:
        with self.fenced(lease) as known:
            begin = self.s.ledger.begin_effect(lease, key, "refund", (), key_honoured=honoured)
            if known is not None and known.effects.get(key) == "begun" and not honoured:
                with pytest.raises(EffectUnknown):
                    self.told(begin)
                return
            result = self.told(begin)
            assert known is not None
            assert result == ("done" if known.effects.get(key) == "done" else None)
            known.effects.setdefault(key, "begun")
            known.lease_age = known.lease_age if result else 0

    @rule(lease=leases, key=st.sampled_from(["k1", "k2"]))
    def end_effect(self, lease: Lease, key: str) -> None:
        with self.fenced(lease) as known:
            self.told(self.s.ledger.end_effect(lease, key, "done"))
            assert known is not None
            if known.effects.get(key) == "begun":
                known.effects[key] = "done"
            known.lease_age = 0

    @rule(lease=leases, to=st.sampled_from([State.PARKED, State.QUEUED, State.SUGGESTED, State.HANDED_OFF]))
    def leave(self, lease: Lease, to: State) -> None:
        ledger, soon = self.s.ledger, self.told(self.store.now_ms()) + 10_000
        match to:
            case State.PARKED:
                move = ledger.park(lease, (), Reason.MODEL_OVERLOADED, soon)
            case State.QUEUED:
                move = ledger.release(lease, (), "stopping")
            case State.SUGGESTED:
                move = ledger.suggest(lease, Conclusion((), DECISION, Priority.NORMAL))
            case _:
                move = self.s.hand_off(lease)
        with self.fenced(lease) as known:
            self.told(move)
            assert known is not None
            known.leave(to)

    @rule(lease=leases)
    def renew(self, lease: Lease) -> None:
        gone = self.told(self.s.ledger.renew(lease.owner, [lease]))
        known = self.known[lease.ticket_id]
        assert gone == (set() if known.holds(lease) else {lease.ticket_id})
        if not gone:
            known.lease_age = 0

    @rule(ms=st.sampled_from([1_000, 11_000, 31_000]), sweeping=st.booleans())
    def time_passes(self, ms: int, sweeping: bool) -> None:
        self.told(self.s.pass_ms(ms))
        for known in self.known.values():
            known.lease_age += ms
        if sweeping:
            self.sweep()

    @rule()
    def sweep(self) -> None:
        published = {ticket_id: kind for kind, ticket_id in self.told(self.s.sweep(MAX_LOSSES))}
        for ticket_id, known in self.known.items():
            if known.state is State.RUNNING and known.lease_age >= LEASE_MS:
                known.losses += 1
                known.leave(State.QUEUED)
                assert ticket_id in published
            elif known.state is State.PARKED and ticket_id in published:
                known.state = State.QUEUED
            if ticket_id in published:
                assert known.state is State.QUEUED
                assert (published[ticket_id] == "hand_off") == (known.losses >= MAX_LOSSES)

    @rule(ticket_id=tickets, person=st.sampled_from(PEOPLE), cap=st.integers(0, 200))
    def resume(self, ticket_id: str, person: str, cap: int) -> None:
        known = self.known[ticket_id]
        act = self.s.inbox.resume(ticket_id, person, None, "look again", Limits(max_cost_nanodollars=cap))
        if self.acts(act, known, known.state in INBOX):
            known.state, known.losses, known.cap = State.QUEUED, 0, known.spent + cap

    @rule(ticket_id=tickets, person=st.sampled_from(PEOPLE))
    def approve_or_reject(self, ticket_id: str, person: str) -> None:
        known = self.known[ticket_id]
        if known.state is State.SUGGESTED and person == "ann":
            if self.acts(self.s.inbox.approve(ticket_id, person, None), known, True):
                known.state = State.DECIDED
        elif self.acts(self.s.inbox.reject(ticket_id, person, None, "no"), known, known.state in INBOX):
            known.state = State.HANDED_OFF

    @rule(ticket_id=tickets)
    def cancel(self, ticket_id: str) -> None:
        known = self.known[ticket_id]
        if known.state is State.CANCELLED:
            self.told(self.s.inbox.cancel(ticket_id, "ann"))
        elif self.acts(self.s.inbox.cancel(ticket_id, "ann"), known, known.state not in ENDED):
            known.leave(State.CANCELLED)

    @rule(ticket_id=tickets)
    def undo(self, ticket_id: str) -> None:
        row = self.told(self.store.row(ticket_id))
        if "undo" not in row:
            return
        known, now = self.known[ticket_id], self.told(self.store.now_ms())
        if self.acts(self.s.inbox.undo(ticket_id, "ann", None), known, int(row["undo_until"]) > now + 500):
            known.state = State.SUGGESTED

    @rule(ticket_id=tickets, person=st.sampled_from(PEOPLE))
    def note_or_hold(self, ticket_id: str, person: str) -> None:
        if person == "ann":
            self.told(self.s.inbox.note(ticket_id, person, "a note"))
        else:
            self.told(self.s.inbox.next(person))

    def acts(self, act: Awaitable[Any], known: Known, allowed: bool) -> bool:
        """Whether a person's act came through. It may be refused for a hold, never allowed against the state."""
        refusal = None
        try:
            self.told(act)
        except Stale as stale:
            refusal = stale
        assert not allowed if refusal and not refusal.holder else allowed or refusal
        return refusal is None

    @invariant()
    def the_audit_balances(self) -> None:
        report = self.told(audit(self.store))
        assert report.problems == ()
        assert report.accepted == report.rows == len(self.known)
        assert report.spent + report.reserved == self.day_total <= DAY_CAP

    @invariant()
    def the_books_agree_with_the_model(self) -> None:
        self.told(self.agree())

    async def agree(self) -> None:
        names = ["state", "epoch", "losses", "spent", "rsv"]
        rows = await self.store.rows(list(self.known), names)
        for (ticket_id, known), (state, *numbers) in zip(self.known.items(), rows, strict=True):
            expected = [known.epoch, known.losses, known.spent, known.reserved]
            assert (state, [int(number or 0) for number in numbers]) == (known.state.value, expected), ticket_id
            assert known.spent + known.reserved <= known.cap
            effects = await self.store.fields(f"effects:{ticket_id}")
            assert {key: value.partition(":")[0] for key, value in effects.items()} == known.effects


def test_the_books_keep_the_promise_whatever_happens(valkey_url: str) -> None:
    Books.url = valkey_url
    run_state_machine_as_test(
        Books,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
