"""What every worker process does beside its tickets: renew its leases, sweep for forgotten work, be counted."""

import asyncio
import json
import logging
import os
import platform
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

from fallbacks.errors import StoreUnreachable
from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.limits.control import DRAIN, Control
from fallbacks.ledger.limits.source_caps import SourceTerms
from fallbacks.store import keys
from worker.models.tier import Tier
from worker.work.live_runs import LiveRuns
from worker.work.outage import Outage
from worker.work.predecessors import identity
from worker.work.sweeper import Sweeper

log = logging.getLogger(__name__)

FORGET_MS = 3_600_000
"""A worker not seen for an hour is taken off the list."""


DOING = 5
"""Tickets that a heartbeat names: those held longest."""


async def _nothing() -> None:
    """Nothing is kept."""


@dataclass(slots=True)
class Heartbeat:
    """Beats every third of a lease, sweeps every `sweep_seconds`. slots / queues: what this process offers.

    ready: makes the process ready for its first run. version: of its code. models: the tiers that it works with.
    history_room: bytes free and in all of the disk that history is on; None where it is on no file here. keep_trend:
    writes down what the whole looks like, where nobody has lately. finish: asks the process to stop in good order, as
    SIGTERM does. announce: says which history this process asks. day_cap: nanodollars of the fleet per UTC day by this
    process's environment, None for none; sources: what each may spend and send, likewise.
    """

    live: LiveRuns
    ledger: Ledger
    sweeper: Sweeper
    outage: Outage
    ready: Callable[[], Awaitable[None]]
    sweep_seconds: float
    slots: int
    queues: tuple[str, ...]
    version: str = ""
    models: Callable[[], Sequence[Tier]] = field(default=lambda: ())
    history_room: Callable[[], tuple[int, int] | None] = field(default=lambda: None)
    keep_trend: Callable[[], Awaitable[object]] = field(default=_nothing)
    announce: Callable[[], Awaitable[object]] = field(default=_nothing)
    day_cap: int | None = None
    sources: SourceTerms = field(default_factory=SourceTerms)
    beats: int = 0
    swept_at: float = field(default=0.0)
    beaten_at: float = field(default=0.0)
    finish: Callable[[], None] = field(default=lambda: None)

    async def starting(self, getting_ready: Awaitable[object]) -> None:
        """Be among the workers as one that starts, until this is done: a local model may have to be trained first."""
        done = asyncio.ensure_future(getting_ready)
        try:
            while not done.done():
                with suppress(StoreUnreachable):
                    beat = await self._presence(starting=True)
                    await self.ledger.store.put(keys.WORKERS, {self.live.owner: json.dumps(beat)})
                await asyncio.wait({done}, timeout=self._pause)
            await done
        except BaseException:
            with suppress(StoreUnreachable):
                await self.leave()
            raise

    async def beat_forever(self) -> None:
        """From the second on until the process ends. A store that does not answer is waited for; the leases may be lost
        meanwhile.
        """
        while True:
            await asyncio.sleep(self._pause)
            await self.try_to_beat()

    async def try_to_beat(self) -> None:
        """Everything once, whatever comes of it. Before any work is taken, so that what was lost here goes first."""
        try:
            await self.beat()
        except StoreUnreachable as error:
            log.warning("store unreachable: %s", error)
            await self.outage.goes_on(error)
        except Exception as error:
            log.exception("a heartbeat failed")
            await self.outage.goes_on(error)

    async def beat(self) -> None:
        """Everything once."""
        await self.renew()
        self.outage.over()
        await self.ready()
        await self.obey()
        if monotonic() - self.swept_at >= self.sweep_seconds and not self.live.draining:
            self.swept_at = monotonic()
            await self.sweeper.sweep()
            await self._forget_the_dead()
            await self.keep_trend()
            await self.announce()

    async def renew(self) -> None:
        """Renew every lease of this process in one call; cut the runs whose lease is gone."""
        leases = self.live.leases
        self.live.cut(await self.ledger.renew(self.live.owner, leases), leases)
        self.sweeper.forgot |= await self._is_forgotten()
        beat = await self._presence()
        await self.ledger.store.put(keys.WORKERS, {self.live.owner: json.dumps(beat)})
        self.beaten_at = monotonic()
        self.beats += 1

    async def obey(self) -> None:
        """Stop in good order where somebody has asked this worker to: `deskhand drain`."""
        wish, control = DRAIN + self.live.owner, Control(self.ledger.store)
        if wish in await control.fields():
            log.info("asked to finish: giving back what runs, and ending")
            await control.change(self.live.owner, {wish: None})
            self.finish()

    def consumes(self) -> bool:
        """Whether it takes work: its last heartbeat reached the store not long ago, and it is not stopping."""
        return not self.live.draining and monotonic() - self.beaten_at < 2 * self.ledger.lease_ms / 1000

    async def _is_forgotten(self) -> bool:
        """Whether the store lacks the last heartbeat that it had acknowledged."""
        if not self.beats or monotonic() - self.beaten_at > FORGET_MS / 1000:
            return False
        kept = (await self.ledger.store.fields(keys.WORKERS)).get(self.live.owner)
        return kept is None or json.loads(kept)["beat"] < self.beats

    async def leave(self) -> None:
        """Take this process off the list of workers."""
        await self.ledger.store.put(keys.WORKERS, {self.live.owner: None})

    async def _forget_the_dead(self) -> None:
        store = self.ledger.store
        long_ago = await store.now_ms() - FORGET_MS
        beats = await store.fields(keys.WORKERS)
        dead = {name: None for name, beat in beats.items() if json.loads(beat)["at"] < long_ago}
        if dead:
            await store.put(keys.WORKERS, dead)
            await Control(store).change(self.live.owner, {DRAIN + name: None for name in dead})

    @property
    def _pause(self) -> float:
        return min(self.ledger.lease_ms / 3000, self.sweep_seconds)

    async def _presence(self, *, starting: bool = False) -> dict[str, object]:
        """starting: it takes no work yet, and has no models."""
        tiers = () if starting else self.models()
        return {
            "at": await self.ledger.store.now_ms(),
            "beat": self.beats + 1,
            "slots": 0 if starting else self.slots,
            "busy": len(self.live.held),
            "doing": list(self.live.held)[:DOING],
            "version": self.version,
            "models": {tier.model.name: {"version": tier.version, "made_of": tier.made_of} for tier in tiers},
            "queues": list(self.queues),
            "host": platform.node(),
            "pid": os.getpid(),
            "process": identity(),
            "draining": self.live.draining,
            "history_room": self.history_room(),
            "day_cap": self.day_cap,
            "sources": self.sources.document,
            **({"starting": True} if starting else {}),
        }
