"""A promoted replica lacks the last writes: what was acknowledged is on it if asked for; nothing happens twice."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from fallbacks.delivery.alerts import AlertDesk, Escalation
from fallbacks.errors import StoreUnreachable
from fallbacks.ledger.limits.generation import notice_failover
from fallbacks.ledger.run_ledger import LeasedLedger
from fallbacks.ledger.states import State
from fallbacks.ledger.sums.audit import audit
from fallbacks.store import keys
from fallbacks.store.redis_store import RedisStore
from tasks.errors import EffectUnknown, LeaseLost
from tasks.run import events as ev
from tasks.run.limits import Limits
from tests.fallbacks.scene import MODEL, Scene, replied
from tests.services.replicated import Replicated, Sentinel
from tests.services.valkey import ValkeyServer


@pytest.fixture(params=["valkey", "redis"])
def pair(request: pytest.FixtureRequest) -> Iterator[Replicated]:
    start: Callable[..., ValkeyServer] = request.getfixturevalue(f"start_{request.param}")
    with Replicated.of(start(repl_diskless_sync_delay=0), start()) as pair:
        yield pair


def play(url: str, story: Callable[[Scene], Awaitable[None]], replicas: int = 0) -> None:
    async def opened() -> None:
        store = RedisStore(url, replicas=replicas)
        try:
            await story(Scene(store))
        finally:
            await store.aclose()

    asyncio.run(opened())


def effect(s: Scene, lease: Any, key: str = "k", *, honoured: bool = False) -> Awaitable[str | None]:
    return s.ledger.begin_effect(lease, key, "refund", (), key_honoured=honoured)


def test_nothing_is_acknowledged_that_too_few_replicas_have(pair: Replicated) -> None:
    async def story(s: Scene) -> None:
        lease = await s.running("t1")
        assert await effect(s, lease) is None
        pair.link.stall()
        with pytest.raises(StoreUnreachable, match="undecided"):
            await s.accept("t2")
        with pytest.raises(StoreUnreachable, match="undecided"):  # a repeat writes nothing, and is no yes either
            await s.accept("t2")
        with pytest.raises(StoreUnreachable, match="undecided"):
            await effect(s, lease, "another")
        with pytest.raises(StoreUnreachable, match="undecided"):
            await s.hand_off(lease)
        assert (await s.store.fields("n"))["accepted"] == "2"  # other calls wait for nobody

    play(pair.url, story, replicas=1)
    pair.promote()

    async def after(s: Scene) -> None:
        assert await s.state("t1") is State.RUNNING
        with pytest.raises(StoreUnreachable, match="on 0 of 1 replicas"):
            await s.accept("t2")

    play(pair.url, after, replicas=1)


def test_without_it_a_failover_loses_what_the_replica_had_not_received(pair: Replicated) -> None:
    async def story(s: Scene) -> None:
        await s.accept("t1")
        pair.wait_synced()
        pair.link.stall()
        await s.accept("t2")

    play(pair.url, story)
    pair.promote()

    async def after(s: Scene) -> None:
        assert await s.members("s:queued") == ["t1"]

    play(pair.url, after)


def test_a_failover_is_noticed_and_what_ran_can_neither_write_nor_begin_an_effect_twice(pair: Replicated) -> None:
    async def story(s: Scene) -> None:
        await notice_failover(s.store, forgot=False)
        lease = await s.running("t1")
        await s.accept("t2")
        pair.wait_synced()
        pair.link.stall()
        await effect(s, lease)  # its intent and the claim of t2 are lost, and so is the result
        lost = await s.claim("t2", "w1")
        pair.promote()
        with pytest.raises(EffectUnknown, match="failed over"):  # before anybody has noticed
            await effect(s, await s.claim("t2", "w2"))
        known = (await s.store.fields(keys.GENERATION))["id"]
        await s.store.put(keys.GENERATION, {"id": "0f" * 20})
        moved = await s.store.run("generation", "", 0, "failed_over", "error", f"{known} {'0f' * 20}")
        assert moved[1] == "0", "of a cluster: the master that it knew has other slots, and this one was moved here"
        await s.store.put(keys.GENERATION, {"id": known})
        noticed = await notice_failover(s.store, forgot=False)
        assert (noticed.number, noticed.new, noticed.taken_back) == (2, True, 2)
        assert not (await notice_failover(s.store, forgot=False)).new
        assert sorted(await s.sweep()) == [("triage", "t1"), ("triage", "t2")]
        for stale in (lease, lost):
            with pytest.raises(LeaseLost):
                await s.begin(stale, 10)
        again = await s.claim("t1", "w2")
        assert again.epoch > lease.epoch + 500
        with pytest.raises(EffectUnknown, match="failed over"):
            await effect(s, again)
        assert await effect(s, again, honoured=True) is None
        assert await effect(s, await s.running("t3")) is None  # accepted since then, at epoch 1
        assert (await s.row("t3"))["epoch"] == "1"
        assert (await audit(s.store)).problems == ()

    play(pair.url, story)


@pytest.mark.parametrize("lost", ["the result of a call", "a call and its result"])
def test_a_run_writes_nothing_behind_what_a_promoted_replica_lacks(pair: Replicated, lost: str) -> None:
    """Before anybody has noticed the failover: its lease is as it was, and its journal has a hole."""

    async def story(s: Scene) -> None:
        run = LeasedLedger(s.ledger, await s.running("t1"), Limits(), None, lambda: False)
        await run.begin_step(ev.StepStarted(1, "c1", MODEL, 10), ())
        await run.end_step("c1", 5, (replied("c1", 5),))
        if lost == "the result of a call":
            await run.begin_step(ev.StepStarted(2, "c2", MODEL, 10), ())
        pair.wait_synced()
        pair.link.stall()
        if lost == "a call and its result":
            await run.begin_step(ev.StepStarted(2, "c2", MODEL, 10), ())
        await run.end_step("c2", 5, (replied("c2", 5, 2),))
        pair.promote()
        with pytest.raises(LeaseLost):
            await run.begin_effect("k", "refund", (), key_honoured=True)
        with pytest.raises(LeaseLost):
            await run.begin_step(ev.StepStarted(3, "c3", MODEL, 10), ())

    play(pair.url, story)


def test_people_are_alerted_once_and_vouch_for_what_they_send_back(pair: Replicated) -> None:
    heard = []

    class Sink:
        name = "sink"

        async def send(self, alert: Any) -> None:
            heard.append(alert)

    async def story(s: Scene) -> None:
        await notice_failover(s.store, forgot=False)
        await s.handed_off("t1")
        pair.wait_synced()
        pair.promote()
        await notice_failover(s.store, forgot=False)
        await s.inbox.resume("t1", "ann", None, "nothing was refunded", Limits())
        assert await effect(s, await s.claim("t1", "w2")) is None
        await s.pass_ms(3001)
        await AlertDesk(s.store, (Sink(),), 60).send_due()
        assert [alert.reason for alert in heard].count(Escalation.FAILED_OVER) == 1
        (alert,) = [alert for alert in heard if alert.reason is Escalation.FAILED_OVER]
        assert alert.tickets == ()
        assert "failed over" in alert.title
        assert (await audit(s.store)).problems == ()

    play(pair.url, story)


def test_a_restart_is_no_failover_unless_somebody_misses_what_was_acknowledged(
    start_valkey: Callable[..., ValkeyServer],
) -> None:
    server = start_valkey()

    async def story(s: Scene) -> None:
        assert (await notice_failover(s.store, forgot=False)).number == 1
        await s.running("t1")
        server.restart()
        assert not (await notice_failover(s.store, forgot=False)).new
        assert await s.state("t1") is State.RUNNING
        assert (await notice_failover(s.store, forgot=True)).new
        await s.sweep()
        assert (await s.state("t1"), (await s.row())["losses"]) == (State.QUEUED, "0")

    play(server.url, story)


def test_sentinel_names_the_promoted_primary(start_valkey: Callable[..., ValkeyServer], tmp_path: Any) -> None:
    primary, replica = start_valkey(), start_valkey()
    with replica.client() as redis:
        redis.replicaof("127.0.0.1", primary.port)
    with Sentinel(tmp_path / "sentinel", primary) as sentinel:

        async def story(s: Scene) -> None:
            await s.accept("t1")
            with primary.client() as redis:
                assert redis.set("synced", 1)
                assert redis.wait(1, 30_000) == 1
            primary.kill9()
            for _ in range(20):  # each of these waits for seconds by itself
                try:
                    await s.accept("t2")
                    break
                except StoreUnreachable:
                    continue
            assert await s.members("s:queued") == ["t1", "t2"]

        play(sentinel.url, story)
        with replica.client() as redis:
            assert redis.exists("deskhand:t:t2")
