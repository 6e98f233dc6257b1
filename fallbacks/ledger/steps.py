"""What a run writes on its way: model calls and effects, each recorded before it is attempted, each write fenced."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from fallbacks.ledger import journal_log
from fallbacks.ledger.claims import Lease
from fallbacks.ledger.limits.breaker import ModelFailure, refused
from fallbacks.ledger.limits.source_caps import NO_CAPS, SourceCaps
from fallbacks.ledger.sums.meters import counted
from fallbacks.store.port import Store, lua_header
from tasks.errors import EffectUnknown, LeaseLost, NewMessages, NotApproved
from tasks.run import events as ev
from tasks.run.process import Process


class Steps:
    """Of whoever holds the lease. lease_ms: how long it then has."""

    def __init__(self, store: Store, process: Process, lease_ms: int) -> None:
        self.store = store
        self.process = process
        self.lease_ms = lease_ms

    async def begin_step(
        self,
        lease: Lease,
        started: ev.StepStarted,
        before: Sequence[ev.Event],
        *,
        run_cap: int | None,
        day_cap: int | None,
        source: SourceCaps = NO_CAPS,
        after: str | None = None,
        heard: int | None = None,
    ) -> int:
        """Reserve the worst case of a call against run, day and source, with its intent. Returns store time, ms.

        after: the call that this lease settled last. A store that failed over may lack it: then the lease is lost.
        heard: see `LeasedLedger`. Raises `StepRefused` (a cap, the kill switch, the breaker) and `NewMessages`, with
        nothing reserved; `LeaseLost`.
        """
        header = {
            **self._fence(lease),
            "after": after,
            "call": started.call_id,
            "worst": started.reserved_nanodollars,
            "run_cap": run_cap,
            "day_cap": day_cap,
            "source_day": source.day,
            "source_month": source.month,
            "breaker": started.model,
            "heard": heard,
            "meters": counted(before),
        }
        events = (*before, started)
        args = [event.to_json() for event in events]
        verdict = await self.store.run("begin_step", lease.ticket_id, lua_header(header), *args)
        if verdict[0] == "ok":
            journal_log.wrote(lease.ticket_id, lease.epoch, events, self.process.facet_names)
            return int(verdict[1])
        if verdict[0] == "news":
            raise NewMessages
        raise refused(started, verdict) or LeaseLost(lease.ticket_id)

    async def end_step(
        self,
        lease: Lease,
        call_id: str,
        cost: int,
        events: Sequence[ev.Event],
        *,
        model: str,
        health: str = "",
        failure: ModelFailure | None = None,
    ) -> None:
        """Settle a call at its cost and append what came of it.

        health: "well" closes the model's circuit breaker; failure: counts against it; neither says nothing of it.
        """
        header = {
            **self._fence(lease),
            "call": call_id,
            "cost": cost,
            "breaker": model,
            "health": health,
            "failure": failure.to_header() if failure else None,
            "meters": counted(events, model),
        }
        args = [event.to_json() for event in events]
        _held(await self.store.run("end_step", lease.ticket_id, lua_header(header), *args), lease)
        journal_log.wrote(lease.ticket_id, lease.epoch, events, self.process.facet_names)

    async def begin_effect(
        self,
        lease: Lease,
        key: str,
        tool: str,
        before: Sequence[ev.Event],
        *,
        key_honoured: bool,
        after: str | None = None,
        approval: str = "",
        heard: int | None = None,
    ) -> str | None:
        """Record an effect's intent. Returns its stored result where it is done. Raises `EffectUnknown`, and as
        `tasks.run.ports.RunLedger` says.

        after, heard: as of `begin_step`. approval: see `approved`; the same write uses it up.
        """
        header = {**self._fence(lease), "after": after, "key": key, "honoured": key_honoured, "try": uuid4().hex}
        if approval:
            header |= {"approval": approved(key, approval), "heard": heard}
        header["meters"] = counted(before)
        events = (*before, ev.EffectBegun(key, tool, approval))
        args = [event.to_json() for event in events]
        verdict = await self.store.run("begin_effect", lease.ticket_id, lua_header(header), *args)
        match verdict[0]:
            case "unknown":
                began = "may have been begun before the store failed over" if len(verdict) > 1 else "was begun before"
                raise EffectUnknown(f"{tool} {began} and its result was lost")
            case "done":
                return str(verdict[1])
            case "news":
                raise NewMessages
            case "unapproved":
                raise NotApproved(key)
            case _:
                _held(verdict, lease)
                journal_log.wrote(lease.ticket_id, lease.epoch, events, self.process.facet_names)
                return None

    async def end_effect(self, lease: Lease, key: str, result: str) -> None:
        """Record an effect's result."""
        header = {**self._fence(lease), "key": key}
        event = ev.EffectEnded(key)
        args = (lua_header(header), result, event.to_json())
        _held(await self.store.run("end_effect", lease.ticket_id, *args), lease)
        journal_log.wrote(lease.ticket_id, lease.epoch, [event])

    def _fence(self, lease: Lease) -> dict[str, Any]:
        return {"epoch": str(lease.epoch), "owner": lease.owner, "lease_ms": self.lease_ms}


def approved(key: str, digest: str) -> str:
    """How a row holds an approval: of the effect with this key, with arguments of this digest."""
    return f"{key} {digest}"


def _held(verdict: list[Any], lease: Lease) -> None:
    if verdict[0] == "lost":
        raise LeaseLost(lease.ticket_id)
