"""What a source may spend and send, and that the sources' spend is the day's, on every store."""

import asyncio
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fallbacks.errors import SourceLimited
from fallbacks.ledger.ledger import Lease
from fallbacks.ledger.limits.control import Control
from fallbacks.ledger.limits.source_caps import SourceCaps, SourceTerms, least_terms, read_terms
from fallbacks.ledger.sums.audit import audit
from fallbacks.ledger.sums.figures import days_of
from fallbacks.operations.source_budgets import change_source_budget, change_source_rate, source_budgets, source_rates
from fallbacks.store import keys
from fallbacks.store.redis_store import RedisStore, load_script
from tasks.errors import StepRefused
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.limits import Limits
from tests.fallbacks.conftest import Play, in_memory
from tests.fallbacks.scene import MODEL, Scene, scene, ticket

DAY_MS = 86_400_000


async def begin(s: Scene, lease: Lease, worst: int, caps: SourceCaps, call: str = "c1") -> None:
    started = ev.StepStarted(1, call, MODEL, worst)
    await s.ledger.begin_step(lease, started, (), run_cap=None, day_cap=None, source=caps)


async def refused(s: Scene, lease: Lease, worst: int, caps: SourceCaps, call: str = "c9") -> StepRefused:
    with pytest.raises(StepRefused) as error:
        await begin(s, lease, worst, caps, call)
    return error.value


async def today(s: Scene) -> dict[str, str]:
    return await s.store.fields(keys.day(str(await s.store.now_ms() // DAY_MS)))


@scene
async def test_a_source_over_its_day_waits_for_the_next_and_others_go_on(s: Scene) -> None:
    lease, caps = await s.running("t1", source="backfill"), SourceCaps(day=100)
    await begin(s, lease, 80, caps)
    held = await refused(s, await s.running("t2", source="backfill"), 30, caps)
    assert (held.reason, held.waits) == (Reason.SOURCE_BUDGET, True)
    await s.end(lease, 80)
    gone = await refused(s, lease, 30, caps)
    assert (gone.reason, gone.waits) == (Reason.SOURCE_BUDGET, False)
    assert gone.retry_after_seconds is not None
    assert 0 < gone.retry_after_seconds <= 86_400
    assert "its source this day has used" in gone.detail
    await begin(s, await s.running("t3", source="mail"), 1000, SourceCaps())
    await begin(s, lease, 20, caps, "c2")


@scene
async def test_a_month_is_the_sum_of_its_days(s: Scene) -> None:
    now = datetime.fromtimestamp(await s.store.now_ms() / 1000, UTC)
    number = int(now.timestamp()) // 86_400
    first = number - now.day + 1
    before = number - 1
    await s.store.put(keys.day(str(before)), {"spent|mail": "60"})
    await s.store.put(keys.day(str(first - 1)), {"spent|mail": "1000"})
    lease, caps = await s.running("t1"), SourceCaps(month=100)
    if before < first:  # the first of a month
        await begin(s, lease, 100, caps)
        return
    error = await refused(s, lease, 41, caps)
    next_month = datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC)
    assert error.retry_after_seconds is not None
    assert abs(error.retry_after_seconds - (next_month - now).total_seconds()) < 60
    await begin(s, lease, 40, caps)


@scene
async def test_a_cap_set_at_run_time_goes_before_the_settings_and_sends_on_what_waits(s: Scene) -> None:
    lease, caps = await s.running("t1"), SourceCaps(day=10)
    await refused(s, lease, 50, caps)
    await s.ledger.park(lease, (), Reason.SOURCE_BUDGET, await s.store.now_ms() + 3_600_000)
    control = Control(s.store)
    assert await change_source_budget(control, "ann", "mail", {"day": "60", "month": "50"}) == 1
    await s.pass_ms(1)
    await s.sweep()
    lease = await s.claim("t1", "w2")
    await begin(s, lease, 50, caps)
    terms = SourceTerms({"mail": caps, "web": SourceCaps(month=7)})
    found = await source_budgets(s.store, terms, await control.fields())
    assert [(each.source, each.period, each.cap, each.reserved, each.near) for each in found] == [
        ("mail", "day", 60, 50, True),
        ("mail", "month", 50, 50, True),
        ("web", "month", 7, 0, False),
    ]
    words = " ".join(change.words for change in await control.log(2))
    assert "daily budget of mail: as set up ->" in words
    assert "monthly budget of mail: as set up ->" in words


@scene
async def test_a_lost_call_of_a_source_is_spent_in_full_and_no_longer_held(s: Scene) -> None:
    await begin(s, await s.running("t1"), 70, SourceCaps(day=100))
    await s.pass_ms(40_000)
    await s.sweep()
    day = await today(s)
    assert (day["spent|mail"], day["reserved|mail"], day["sourced"], day["spent"]) == ("70", "0", "70", "70")
    assert (await days_of(s.store, 1))[0].by["source"] == {"mail": 70}


@scene
async def test_one_too_many_a_minute_waits_its_turn_or_is_refused_and_a_resend_counts_nothing(s: Scene) -> None:
    s.ledger.rates = {"mail": 2}
    for name in ("t1", "t2", "t1"):
        assert await s.accept(name) == name
    with pytest.raises(SourceLimited) as limited:
        await s.ledger.accept(ticket("t3"), Limits(), refuse=True)
    assert 0 < limited.value.wait_ms <= 30_000
    assert await s.row("t3") == {}
    for name in ("t3", "t4"):
        await s.accept(name)
    await s.accept("t5", source="web")
    states = {name: (await s.row(name))["state"] for name in ("t1", "t3", "t4", "t5")}
    assert states == {"t1": "queued", "t3": "parked", "t4": "parked", "t5": "queued"}
    assert await s.types("t3") == ["accepted", "parked"]
    await s.pass_ms(31_000)
    assert ("triage", "t3") in await s.sweep()
    control = Control(s.store)
    s.ledger.rates = {"web": 1000}
    await change_source_rate(control, "ann", "web", "1")
    assert source_rates({"mail": 2, "web": 1000}, await control.fields()) == {"mail": 2, "web": 1}
    assert await s.accept("t6", source="web") == "t6"
    with pytest.raises(SourceLimited) as limited:
        await s.ledger.accept(ticket("t7", source="web"), Limits(), refuse=True)
    assert limited.value.wait_ms > 1000, "the switch goes before the settings"
    assert "tickets of web a minute: as set up -> 1" in [change.words for change in await control.log(1)]


def test_of_workers_that_were_set_up_differently_the_least_is_in_force() -> None:
    tight = SourceTerms({"mail": SourceCaps(10), "web": SourceCaps(month=5)}, {"mail": 60}, 0.5)
    loose = SourceTerms({"mail": SourceCaps(20, 30)}, {"mail": 90, "web": 1}, 0.9)
    assert read_terms(json.loads(json.dumps(tight.document))) == tight
    assert least_terms([tight, loose]) == SourceTerms(
        {"mail": SourceCaps(10, 30), "web": SourceCaps(month=5)}, {"mail": 60, "web": 1}, 0.5
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 50), st.integers(0, 60), st.booleans()), max_size=15))
def test_the_spend_of_the_sources_is_the_days(calls: list[tuple[str, int, int, bool]]) -> None:
    async def story(s: Scene) -> None:
        for n, (source, worst, cost, lost) in enumerate(calls):
            lease = await s.running(f"t{n}", source=source)
            try:
                await begin(s, lease, worst, SourceCaps(day=120) if source == "a" else SourceCaps())
            except StepRefused:
                continue
            if lost:
                await s.pass_ms(40_000)
                await s.sweep()
            else:
                await s.end(lease, min(cost, worst))
        day = await today(s)
        by_source = {name: int(value) for name, value in day.items() if name.startswith("spent|")}
        assert sum(by_source.values()) == int(day.get("spent", 0)) == int(day.get("sourced", 0))
        assert by_source.get("spent|a", 0) + int(day.get("reserved|a", 0)) <= 120
        assert [int(value) for name, value in day.items() if name.startswith("reserved|")] in ([], [0])

    asyncio.run(in_memory(story))


async def audited(s: Scene) -> None:
    assert isinstance(s.store, RedisStore)
    for n in range(3):
        await begin(s, lease := await s.running(f"t{n}", source=f"s{n}"), 10, SourceCaps(day=100))
        await s.end(lease, 10)
    assert (await audit(s.store)).problems == ()
    day = s.store.prefix + keys.day(str(await s.store.now_ms() // DAY_MS))
    await s.store.redis.hincrby(day, "spent|s1", 5)
    (problem,) = (await audit(s.store)).problems
    assert problem[1].endswith("30 of it was counted by source, and 35 by the sources' own sums")
    await s.store.redis.hincrby(day, "spent|s1", -5)
    await s.store.redis.hset(day, mapping={f"spent|name{n}": 0 for n in range(1000)})
    await begin(s, lease := await s.running("t9", source="late"), 10, SourceCaps())
    await s.end(lease, 10)
    fields = await today(s)
    assert ("spent|late" in fields, fields["spent|other"]) == (False, "10")
    assert (await audit(s.store)).problems == ()


def test_the_audit_compares_the_sources_with_the_day_and_a_thousand_names_are_enough(play_for_real: Play) -> None:
    play_for_real(audited)


async def months(s: Scene) -> None:
    """Of every day of forty years, as Python's calendar has it."""
    assert isinstance(s.store, RedisStore)
    body, _ = load_script("begin_step")
    source = body[body.index("local function month_of") :]
    source = source[: source.index("\nend") + 4]
    found = await s.store.redis.eval(
        source + " local found = {} for day = 10957, 25566 do local a, b = month_of(day)"
        " found[#found + 1] = day - a; found[#found + 1] = b - a end return found",
        0,
    )
    days = [datetime.fromtimestamp(number * 86_400, UTC) for number in range(10957, 25567)]
    wanted = [
        part
        for day in days
        for part in (
            day.day - 1,
            (datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC) - day.replace(day=1)).days,
        )
    ]
    assert found == wanted


def test_a_month_of_the_store_is_the_calendars(play_for_real: Play) -> None:
    play_for_real(months)
