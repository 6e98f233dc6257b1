"""The clock of the store's server steps back and forth; store time does not, and nothing is taken from anybody."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fallbacks.errors import Stale
from fallbacks.ledger.states import State
from fallbacks.store import keys
from fallbacks.store.redis_store import RedisStore
from tasks.run.limits import Limits
from tests.fallbacks.scene import Scene, ticket
from tests.services.stepped_valkey import SteppedValkey
from tests.services.waiting import wait_for

HOUR = 3600.0
STEPPED = "clock_stepped"


def near(seconds: float) -> object:
    """One step, to what a busy machine may add."""
    return [pytest.approx(seconds, abs=60)]


@dataclass
class Stepped:
    """A server whose clock obeys, a process that has looked at it, and what another process finds."""

    server: SteppedValkey
    store: RedisStore
    scene: Scene

    async def step(self, seconds: float) -> None:
        """Since the start. The server looks at its clock now and then: it has, once this returns."""
        self.server.step(seconds)
        with self.server.client() as client:
            wait_for(lambda: abs(client.time()[0] - time.time() - seconds) < 2)

    async def alerted(self) -> list[float]:
        """By how many seconds the clock is said to have stepped."""
        await self.store.clock.look()
        if STEPPED not in await self.scene.members(keys.ALERTS):
            return []
        return [int((await self.store.fields(keys.alert(STEPPED)))["about"]) / 1000]


Story = Callable[[Stepped], Awaitable[None]]
Play = Callable[[Story], None]


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    with SteppedValkey(tmp_path / "valkey") as server:

        def played(story: Story) -> None:
            async def opened() -> None:
                store = RedisStore(server.url)
                try:
                    await store.clock.look()
                    await story(Stepped(server, store, Scene(store)))
                finally:
                    await store.aclose()

            asyncio.run(opened())

        yield played


async def accept(s: Stepped, *ids: str, max_wait_seconds: float = HOUR) -> None:
    for ticket_id in ids:
        await s.scene.ledger.accept(ticket(ticket_id), Limits(), max_wait_seconds=max_wait_seconds)


def test_a_step_back_holds_no_lease_of_a_dead_worker(play: Play) -> None:
    async def story(s: Stepped) -> None:
        s.scene.ledger.lease_ms = 300
        await s.scene.running("t1")
        before = await s.store.now_ms()
        await s.step(-HOUR)
        assert before - 2000 <= await s.store.now_ms() < before + 60_000
        with s.server.client() as client:
            server_ms = int((await s.scene.row("t1"))["lease"])
            wait_for(lambda: client.time()[0] * 1000 + HOUR * 1000 > server_ms + 1500)
        assert await s.scene.sweep() == [("triage", "t1")]
        assert await s.alerted() == near(-HOUR)
        await s.alerted()
        assert (await s.store.fields(keys.alert(STEPPED)))["count"] == "1"

    play(story)


def test_store_time_goes_on_after_a_step_back_and_makes_it_up_slowly(play: Play) -> None:
    async def ahead(s: Stepped) -> int:
        return int((await s.store.redis.get(f"{s.store.prefix}{keys.CLOCK}"))[10:])

    async def story(s: Stepped) -> None:
        first = await s.store.clock.look()
        await s.step(-9)
        then = second = await s.store.clock.look()
        assert first - 2000 <= second
        at_first = await ahead(s)
        assert 6_000 < at_first <= 10_000
        async with asyncio.timeout(60):
            while await ahead(s) == at_first or second < then + 1000:
                second, before = await s.store.clock.look(), second
                assert before <= second
        assert 0 < await ahead(s) < at_first

    play(story)


def test_what_has_left_cannot_be_undone_whatever_the_clock_says(play: Play) -> None:
    async def story(s: Stepped) -> None:
        await s.scene.inbox.approve("t1", "ann", await s.scene.suggested("t1"))
        (message,) = await s.scene.members(keys.OUTBOX)
        await s.store.redis.hset(f"{s.store.prefix}{keys.message(message)}", "attempts", "1")  # taken, to be sent
        await s.step(-9)
        with pytest.raises(Stale):
            await s.scene.inbox.undo("t1", "ann", None)
        await s.store.redis.hset(f"{s.store.prefix}{keys.message(message)}", "attempts", "0")
        await s.scene.inbox.undo("t1", "ann", None)
        assert await s.scene.state("t1") is State.SUGGESTED

    play(story)


def test_a_step_forward_hands_nothing_off_and_ends_no_lease(play: Play) -> None:
    async def story(s: Stepped) -> None:
        await accept(s, *(f"t{number}" for number in range(20)))
        lease = await s.scene.claim("t0")
        before = await s.store.now_ms()
        await s.step(2 * HOUR)
        other = RedisStore(s.server.url)  # another process, that has never looked
        try:
            assert await Scene(other).sweep() == []
        finally:
            await other.aclose()
        await accept(s, "new")
        assert await s.scene.ledger.renew("w1", [lease]) == set()
        assert await s.alerted() == near(2 * HOUR)
        assert before - 2000 <= await s.store.now_ms() < before + 60_000
        assert int((await s.scene.row("new"))["deadline"]) < before + HOUR * 1000 + 60_000
        await s.step(0)  # it is set right again
        assert before - 2000 <= await s.store.now_ms() < before + 60_000
        assert await s.scene.sweep() == []
        assert await s.alerted() == near(-2 * HOUR)

    play(story)


def test_a_small_step_forward_is_noticed(play: Play) -> None:
    async def story(s: Stepped) -> None:
        at = s.store.clock.elapsed()
        s.store.clock.elapsed = lambda: at
        await s.store.clock.look()
        await s.step(30)
        assert await s.alerted() == near(30)

    play(story)


def test_an_outage_with_living_processes_has_passed(play: Play) -> None:
    async def story(s: Stepped) -> None:
        await accept(s, "t1")
        before, elapsed = await s.store.now_ms(), s.store.clock.elapsed
        await s.step(2 * HOUR)
        s.store.clock.elapsed = lambda: elapsed() + 2 * HOUR
        await accept(s, "new")
        assert await s.store.now_ms() >= before + 2 * HOUR * 1000 - 5_000
        assert await s.scene.sweep() == [("hand_off", "t1")]
        assert int((await s.scene.row("new"))["deadline"]) >= before + 3 * HOUR * 1000 - 5_000
        assert await s.alerted() == []

    play(story)


def test_a_night_in_which_nobody_was_there_has_passed(play: Play) -> None:
    async def story(s: Stepped) -> None:
        await accept(s, "t1")
        await s.step(2 * HOUR)
        morning = RedisStore(s.server.url)
        morning.clock.wall = lambda: time.time() + 2 * HOUR
        try:
            assert await Scene(morning).sweep() == [("hand_off", "t1")]
            assert await Scene(morning).members(keys.ALERTS) == []
        finally:
            await morning.aclose()

    play(story)


def test_many_calls_wait_for_one_look(valkey_url: str) -> None:
    async def story() -> None:
        store = RedisStore(valkey_url)
        await store.redis.config_resetstat()
        try:
            await asyncio.gather(*(store.run("tick", "", f"rate:{n}", 60, 1) for n in range(50)))
            assert int((await store.redis.info("commandstats"))["cmdstat_time"]["calls"]) == 51
        finally:
            await store.aclose()

    asyncio.run(story())


def test_a_window_that_counts_ends_though_the_clock_went_back(play: Play) -> None:
    async def story(s: Stepped) -> None:
        assert await s.store.tick("rate:x", 60) == 1
        await s.step(-HOUR)
        await s.store.tick("rate:x", 60)
        assert await s.store.redis.ttl(f"{s.store.prefix}rate:x") <= 60

    play(story)
