"""Money keeps its contract on every store: what is reserved and settled, and which cap refuses a step."""

import pytest

from fallbacks.ledger.limits.breaker import HELD_SECONDS
from tasks.errors import StepRefused
from tasks.reasons import Reason
from tests.fallbacks.scene import Scene, scene


@scene
async def test_a_step_reserves_and_settles(s: Scene) -> None:
    lease = await s.running()
    await s.begin(lease, 100)
    assert (await s.day(), (await s.row())["rsv"]) == ((0, 100), "100")
    await s.end(lease, 30)
    assert (await s.day(), (await s.row())["spent"]) == ((30, 0), "30")
    assert "rsv" not in await s.row()
    assert await s.types() == ["accepted", "claimed", "step_started", "model_replied"]


@scene
async def test_beginning_and_ending_again_changes_nothing(s: Scene) -> None:
    lease = await s.running()
    for _ in range(2):
        await s.begin(lease, 100)
    assert await s.day() == (0, 100)
    for _ in range(2):
        await s.end(lease, 30)
    assert (await s.day(), (await s.row())["steps"]) == ((30, 0), "1")
    assert len(await s.types()) == 4


@scene
async def test_the_run_cap_refuses_and_reserves_nothing(s: Scene) -> None:
    lease = await s.running()
    await s.begin(lease, 60, run_cap=100)
    await s.end(lease, 41)
    with pytest.raises(StepRefused) as refused:
        await s.begin(lease, 60, "c2", run_cap=100)
    assert refused.value.reason is Reason.COST_LIMIT
    assert (await s.day(), await s.types()) == ((41, 0), [*await s.types()])
    await s.begin(lease, 59, "c3", run_cap=100)
    assert await s.day() == (41, 59)


@scene
async def test_zero_is_a_cap_and_none_is_none(s: Scene) -> None:
    lease = await s.running()
    with pytest.raises(StepRefused):
        await s.begin(lease, 1, run_cap=0)
    with pytest.raises(StepRefused):
        await s.begin(lease, 1, day_cap=0)
    await s.begin(lease, 10**12)


@scene
async def test_the_day_cap_spans_the_fleet_and_what_it_only_reserved(s: Scene) -> None:
    first, second = await s.running("t1", "w1"), await s.running("t2", "w2")
    await s.begin(first, 60, day_cap=100)
    with pytest.raises(StepRefused) as refused:
        await s.begin(second, 41, run_cap=1000, day_cap=100)
    assert (refused.value.reason, refused.value.waits) == (Reason.DAILY_BUDGET, True)
    assert refused.value.retry_after_seconds == HELD_SECONDS
    assert "rsv" not in await s.row("t2")
    await s.end(first, 10)
    with pytest.raises(StepRefused) as refused:  # what is spent comes back at midnight only
        await s.begin(second, 91, run_cap=1000, day_cap=100)
    assert (refused.value.waits, refused.value.retry_after_seconds) == (False, None)
    await s.begin(second, 90, day_cap=100)
    assert await s.day() == (10, 90)


@scene
async def test_an_operators_day_cap_comes_before_the_settings(s: Scene) -> None:
    lease = await s.running()
    await s.store.put("control", {"day_cap": "50"})
    with pytest.raises(StepRefused):
        await s.begin(lease, 51, day_cap=1000)


@scene
async def test_the_kill_switch_is_looked_at_before_every_step(s: Scene) -> None:
    lease = await s.running()
    await s.store.put("control", {"autonomy": "off"})
    with pytest.raises(StepRefused) as refused:
        await s.begin(lease, 1)
    assert refused.value.reason is Reason.AUTONOMY_OFF
    await s.store.put("control", {"autonomy": None})
    await s.begin(lease, 1)
