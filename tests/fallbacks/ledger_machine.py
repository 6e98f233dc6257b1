"""A state machine that works tickets as several workers would, zombies among them, and knows what must come of it."""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import ClassVar, TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from fallbacks.ledger.ledger import Claim, Conclusion, Lease
from fallbacks.ledger.states import State
from fallbacks.ledger.sums.audit import audit
from fallbacks.store.redis_store import RedisStore
from tasks.errors import EffectUnknown, LeaseLost, StepRefused
from tasks.reasons import Reason
from tasks.run.limits import Limits
from tasks.ticket import Priority
from tests.fallbacks.scene import DECISION, Scene, ticket

IDS = [f"t{n}" for n in range(6)]
OWNERS = ["w1", "w2", "w3"]
RUN_CAP, DAY_CAP = 250, 300
RESTS = [State.SUGGESTED, State.PARKED, State.QUEUED, State.HANDED_OFF]
LEASE_MS, MAX_LOSSES = 30_000, 2

T = TypeVar("T")
Pick = tuple[int, bool]
FORGED = 9
picks = st.tuples(st.integers(0, 9), st.booleans())


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


class LedgerMachine(RuleBasedStateMachine):
    """Every lease ever given stays in use: about half of all writes are a zombie's."""

    url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.store = RedisStore(self.url)
        self.loop.run(self.store.redis.flushdb())
        self.s = Scene(self.store)
        self.known: dict[str, Known] = {}
        self.leases: list[Lease] = []
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

    def picked(self, pick: Pick) -> Lease:
        """A lease that holds, or one that does not: given up, taken back, or of an epoch that another owner has."""
        index, zombie = pick
        if zombie and index == FORGED:
            return replace(self.leases[-1], owner="forger")
        pool = [lease for lease in self.leases if self.known[lease.ticket_id].holds(lease) != zombie] or self.leases
        return pool[index % len(pool)]

    @initialize()
    def two_run(self) -> None:
        for ticket_id, owner in zip(IDS[:2], OWNERS[:2], strict=True):
            self.accept(ticket_id)
            self.claim(0, owner)

    @rule(ticket_id=st.sampled_from(IDS))
    def accept(self, ticket_id: str) -> None:
        accepted = self.told(self.s.ledger.accept(ticket(ticket_id), Limits(max_cost_nanodollars=RUN_CAP)))
        assert accepted.created == (ticket_id not in self.known)
        self.known.setdefault(ticket_id, Known())

    @rule(index=st.integers(0, 5), owner=st.sampled_from(OWNERS))
    def claim(self, index: int, owner: str) -> None:
        queued = [ticket_id for ticket_id, known in self.known.items() if known.state is State.QUEUED]
        pool = queued or list(self.known)
        known = self.known[ticket_id := pool[index % len(pool)]]
        found = self.told(self.s.ledger.claim(ticket_id, owner))
        if known.state is not State.QUEUED:
            assert found == known.state.value
            return
        assert isinstance(found, Claim)
        known.state, known.epoch, known.owner, known.lease_age = State.RUNNING, known.epoch + 1, owner, 0
        assert found.lease == Lease(ticket_id, known.epoch, owner)
        assert found.losses == known.losses
        self.leases.append(found.lease)

    @rule(pick=picks, worst=st.integers(0, 150), again=st.booleans())
    def begin_step(self, pick: Pick, worst: int, again: bool) -> None:
        lease = self.picked(pick)
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

    @rule(pick=picks, share=st.floats(0, 1), again=st.booleans())
    def end_step(self, pick: Pick, share: float, again: bool) -> None:
        lease = self.picked(pick)
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

    @rule(pick=picks, key=st.sampled_from(["k1", "k2"]), honoured=st.booleans())
    def begin_effect(self, pick: Pick, key: str, honoured: bool) -> None:
        lease = self.picked(pick)
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

    @rule(pick=picks, key=st.sampled_from(["k1", "k2"]))
    def end_effect(self, pick: Pick, key: str) -> None:
        lease = self.picked(pick)
        with self.fenced(lease) as known:
            self.told(self.s.ledger.end_effect(lease, key, "done"))
            assert known is not None
            if known.effects.get(key) == "begun":
                known.effects[key] = "done"
            known.lease_age = 0

    @rule(pick=picks, to=st.sampled_from(RESTS))
    def leave(self, pick: Pick, to: State) -> None:
        lease = self.picked(pick)
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

    @rule(pick=picks)
    def renew(self, pick: Pick) -> None:
        lease = self.picked(pick)
        gone = self.told(self.s.ledger.renew(lease.owner, [lease]))
        known = self.known[lease.ticket_id]
        assert gone == (set() if known.holds(lease) else {lease.ticket_id})
        if not gone:
            known.lease_age = 0

    @rule(ms=st.sampled_from([31_000, 1_000, 11_000, 31_000]), sweeping=st.sampled_from([True, True, False]))
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

    @invariant()
    def the_audit_balances(self) -> None:
        report = self.told(audit(self.store))
        assert report.problems == ()
        assert report.accepted == report.rows == len(self.known)
        assert report.spent + report.reserved == self.day_total <= DAY_CAP

    @invariant()
    def the_ledger_agrees_with_the_model(self) -> None:
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
