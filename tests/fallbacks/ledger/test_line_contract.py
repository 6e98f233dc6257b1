"""Who goes first: a hint takes the ticket that should go before the others, on every store."""

from collections.abc import Sequence

import pytest

from fallbacks.ledger.ledger import Claim
from fallbacks.store import keys
from fallbacks.store.redis_store import RedisStore
from tasks.run import events as ev
from tasks.run.limits import Limits
from tests.fakes.memory_store import MemoryStore
from tests.fallbacks.conftest import Play
from tests.fallbacks.scene import Scene, scene, ticket


async def hinted(s: Scene, hint: str) -> str:
    """The ticket that a hint took, or why it took none."""
    found = await s.ledger.claim(hint, "w1", hint=True)
    return found.lease.ticket_id if isinstance(found, Claim) else found


async def sent(s: Scene, source: str, count: int, **fields: str) -> list[str]:
    return [await s.accept(f"{source}-{n:03}", source=source, **fields) for n in range(count)]


async def order(s: Scene, hints: Sequence[str]) -> list[str]:
    return [await hinted(s, hint) for hint in hints]


async def without_place(s: Scene, ticket_id: str) -> None:
    """As another version's worker leaves it."""
    if isinstance(s.store, RedisStore):
        await s.store.redis.zrem(s.store.prefix + keys.LINE, ticket_id)
    else:
        del s.store.data.rank(keys.LINE)[ticket_id]


@scene
async def test_the_next_claim_takes_an_urgent_ticket_whatever_waits(s: Scene) -> None:
    backlog = await sent(s, "backfill", 30)
    await s.accept("burning", source="backfill", priority="urgent")
    assert (await hinted(s, backlog[0]), await hinted(s, "burning")) == ("burning", backlog[0])


@scene
async def test_urgency_goes_before_age_and_within_one_source_age_decides(s: Scene) -> None:
    for name, priority in (("l", "low"), ("n1", "normal"), ("h", "high"), ("n2", "normal"), ("u", "urgent")):
        await s.accept(name, priority=priority)
    assert await order(s, ["l", "n1", "h", "n2", "u"]) == ["u", "h", "n1", "n2", "l"]


@scene
async def test_what_was_begun_goes_on_before_what_waits_as_urgently(s: Scene) -> None:
    for name in ("lost", "given-back"):
        await s.accept(name)
    await hinted(s, "lost")
    await s.pass_ms(s.ledger.lease_ms + 1)
    given_back = await s.ledger.claim("given-back", "w2")
    assert isinstance(given_back, Claim)
    await s.accept("waits")
    await s.accept("burning", priority="urgent")
    await s.sweep()
    await s.ledger.release(given_back.lease, (), "the worker stops")
    hints = ["waits", "waits", "waits", "waits"]
    assert await order(s, hints) == ["burning", "given-back", "lost", "waits"]
    await s.accept("waits-too")
    await s.pass_ms(s.ledger.lease_ms + 1)
    await s.sweep()  # all of them, and the second worker of one of them
    assert (await order(s, ["waits-too"] * 5))[-1] == "lost"


@scene
async def test_a_flood_delays_another_source_by_a_claim_or_two(s: Scene) -> None:
    flood, waits = iter(await sent(s, "flood", 150)), []
    for n in range(40):
        if n % 4 == 0:
            await s.accept(f"other-{n}", source="other")
        taken = await hinted(s, next(flood))
        if taken.startswith("other"):
            waits.append(n - int(taken.removeprefix("other-")))
    assert len(waits) == 10
    assert max(waits) <= 1


@scene
async def test_sources_that_wait_together_share_by_their_weights(s: Scene) -> None:
    s.ledger.weights = {"backfill": 0.25}
    hints = [*await sent(s, "backfill", 60), *await sent(s, "mail", 60)]
    first = await order(s, hints[:58])
    mine = sum(name.startswith("mail") for name in first)
    assert 38 <= mine <= 54  # four fifths, and eight that a source has ahead after a pause
    assert len(set(first)) == 58


@scene
async def test_every_ticket_is_taken_once_and_a_hint_too_many_hears_of_its_own(s: Scene) -> None:
    hints = [*await sent(s, "a", 5), *await sent(s, "b", 5, priority="high")]
    assert sorted(await order(s, hints[::-1])) == sorted(hints)
    assert (await hinted(s, "a-000"), await hinted(s, "forged")) == ("running", "unknown")


@scene
async def test_a_hint_of_what_has_ended_takes_another(s: Scene) -> None:
    await s.accept("t1")
    await s.inbox.cancel("t1", "upstream")
    await s.accept("t2")
    assert (await hinted(s, "t1"), await hinted(s, "t2")) == ("t2", "running")


@scene
async def test_a_claim_in_anothers_place_whose_answer_was_lost_gets_it_again(s: Scene) -> None:
    await s.accept("t1")
    await s.accept("t2", priority="urgent")
    args = ("w1", 30_000, "tickets", "claim-id", ev.Claimed("w1").to_json(), "1")
    first, again = [await s.store.run("claim", "t1", *args) for _ in range(2)]
    assert (first[5], again[5], await s.state("t1")) == ("t2", "t2", "queued")


@scene
async def test_a_paused_queue_gives_no_other_either_and_a_hand_off_is_of_its_ticket(s: Scene) -> None:
    await s.accept("t1")
    await s.accept("t2", priority="urgent")
    await s.store.put("control", {"paused:tickets": "1"})
    assert await hinted(s, "t1") == "paused"
    found = await s.ledger.claim("t1", "w1", "handoff")
    assert isinstance(found, Claim)
    assert found.lease.ticket_id == "t1"


@scene
async def test_what_was_given_back_or_swept_is_in_line_again(s: Scene) -> None:
    await s.ledger.release(await s.running("t1"), (), "draining")
    await s.running("t2", priority="high")
    await s.pass_ms(40_000)
    await s.sweep()
    assert await order(s, ["t1", "t2"]) == ["t2", "t1"]
    assert await s.members(keys.LINE) == []


@scene
async def test_what_another_version_put_into_the_queue_is_taken_too(s: Scene) -> None:
    for name in ("t1", "t2", "t3", "t4"):
        await s.accept(name)
    for name in ("t1", "t2", "t4"):
        await without_place(s, name)
    assert await order(s, ["t1", "t3"]) == ["t3", "t1"]
    await s.sweep()
    assert sorted(await s.members(keys.LINE)) == ["t2", "t4"]
    assert sorted(await order(s, ["forged", "t4"])) == ["t2", "t4"]


@scene
async def test_nobody_takes_what_is_kept_aside(s: Scene) -> None:
    await s.ledger.accept(ticket("t1"), Limits(), aside=True)
    assert (await hinted(s, "t2"), await s.members(keys.LINE)) == ("unknown", [])


@scene
async def test_who_has_waited_long_has_turns_though_others_are_more_urgent(s: Scene) -> None:
    await s.accept("late", priority="low")
    await s.pass_ms(310_000)
    hints = await sent(s, "mail", 200)
    for hint in hints:
        if isinstance(s.store, MemoryStore):
            s.store.pass_ms(1)
        if await hinted(s, hint) == "late":
            return
    pytest.fail("it went last")


async def what_is_spoilt(s: Scene) -> None:
    assert isinstance(s.store, RedisStore)
    line, prefix = s.store.prefix + keys.LINE, s.store.prefix
    await s.accept("spoilt", priority="high")
    await s.store.put("t:spoilt", {"epoch": "many"})
    await s.running("gone")
    await s.accept("t1")
    await s.store.redis.zadd(line, {"gone": 1, "nobody": 2})
    assert await hinted(s, "gone") == "t1"
    await s.accept("t2")
    await s.store.redis.set(line, "not an index")
    await s.store.redis.set(prefix + keys.SHARES, "nor this")
    await s.accept("t3")
    assert await order(s, ["t3", "t2"]) == ["t3", "t2"]


async def many_names(s: Scene) -> None:
    assert isinstance(s.store, RedisStore)
    shares = s.store.prefix + keys.SHARES
    await s.store.redis.zadd(shares, {f"2|name{n}": 2**51 + 2**40 + 10**6 for n in range(1000)})
    for name in ("x", "y"):
        await s.accept(name, source=name)
    members = await s.members(keys.SHARES)
    assert ("2|other" in members, "2|x" in members, len(members)) == (True, False, 1001)
    await s.store.redis.zadd(shares, {"2|": 2**51 + 2**40 + 10**7})  # those were served long ago
    await s.accept("z", source="z")
    assert sorted(await s.members(keys.SHARES)) == ["2|", "2|z"]


def test_what_the_line_should_not_hold_or_cannot_read_holds_nobody_up(play_for_real: Play) -> None:
    play_for_real(what_is_spoilt)


def test_after_a_thousand_names_others_share_one(play_for_real: Play) -> None:
    play_for_real(many_names)
