"""`tasks.run.ports.RunLedger` in memory: a journal in its stored form, money, effects, and a crash on demand."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from tasks.errors import Draining, EffectUnknown, LeaseLost, NotApproved, StepRefused
from tasks.money import Nanodollars
from tasks.reasons import Reason
from tasks.run import events as ev
from tests.fakes.settable_clock import SettableClock


class Crash(BaseException):
    """The process died right after a write. Not an Exception: nothing may catch it."""


@dataclass
class RecordingLedger:
    """What outlives a run: give it to the next run to resume.

    cap: nanodollars of the run, None for no cap. writes: how many there were; crash_after: die after that write.
    approved: digests that may be used up. lost / draining / refusal: how the next step is refused. rates: calls left
    this minute by tool, absent for plenty.
    """

    clock: SettableClock = field(default_factory=SettableClock)
    cap: int | None = None
    stored: list[str] = field(default_factory=list)
    spent: int = 0
    reserved: int = 0
    open_call: str = ""
    effects: dict[str, str] = field(default_factory=dict)
    rates: dict[str, int] = field(default_factory=dict)
    approved: set[str] = field(default_factory=set)
    writes: int = 0
    crash_after: int | None = None
    lost: bool = False
    draining: bool = False
    refusal: StepRefused | None = None

    def journal(self) -> list[ev.Recorded]:
        """Everything written, read back as a worker would."""
        return [ev.read_event(line, seq) for seq, line in enumerate(self.stored)]

    def events(self) -> list[ev.Event]:
        return [recorded.event for recorded in self.journal()]

    def types(self) -> list[str]:
        return [event.type for event in self.events()]

    def claimed_again(self) -> None:
        """A dead worker's open reservation is settled in full, as the sweep does, and the next one claims."""
        self.crash_after = None
        if self.open_call:
            lost = ev.CallLost(self.open_call, self.reserved)
            self._settle(self.reserved)
            self._append([lost])
        self._append([ev.Claimed("next")])

    async def begin_step(self, started: ev.StepStarted, before: Sequence[ev.Event]) -> int:
        self._fenced()
        if self.draining:
            raise Draining
        if self.refusal is not None:
            raise self.refusal
        if self.cap is not None and self.spent + started.reserved_nanodollars > self.cap:
            raise StepRefused(Reason.COST_LIMIT, "over the cap")
        self.reserved, self.open_call = started.reserved_nanodollars, started.call_id
        self._write([*before, started])
        return self.clock.now_ms()

    async def end_step(self, call_id: str, cost: Nanodollars, events: Sequence[ev.Event]) -> None:
        self._fenced()
        assert call_id == self.open_call
        self._settle(cost)
        self._write(events)

    async def begin_effect(
        self, key: str, tool: str, before: Sequence[ev.Event], *, key_honoured: bool, approval: str = ""
    ) -> str | None:
        self._fenced()
        known = self.effects.get(key)
        if known is not None and known.startswith("done:"):
            return known.removeprefix("done:")
        if known is not None and not key_honoured:
            raise EffectUnknown("begun before")
        if approval and known is None and approval not in self.approved:
            raise NotApproved(key)
        self.approved.discard(approval)
        self.effects[key] = "begun"
        self._write([*before] if known else [*before, ev.EffectBegun(key, tool, approval)])
        return None

    async def end_effect(self, key: str, result: str) -> None:
        self._fenced()
        self.effects[key] = f"done:{result}"
        self._write([ev.EffectEnded(key)])

    async def tool_allowed(self, tool: str, calls_per_minute: int) -> bool:
        left = self.rates.get(tool, calls_per_minute)
        self.rates[tool] = left - 1
        return left > 0

    def write(self, events: Sequence[ev.Event]) -> None:
        """What the executor writes around a run: a park, a resume, a release."""
        self._write(events)

    def _fenced(self) -> None:
        if self.lost:
            raise LeaseLost("T-1")

    def _settle(self, cost: int) -> None:
        assert cost <= self.reserved, "a call cost more than was reserved for it"
        self.spent, self.reserved, self.open_call = self.spent + cost, 0, ""

    def _write(self, events: Sequence[ev.Event]) -> None:
        self._append(events)
        self.writes += 1
        if self.crash_after is not None and self.writes >= self.crash_after:
            raise Crash

    def _append(self, events: Sequence[ev.Event]) -> None:
        for event in events:
            stamped = {"at": self.clock.now_ms(), "epoch": 1, **json.loads(event.to_json())}
            self.stored.append(json.dumps(stamped))
