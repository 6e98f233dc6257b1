"""Switches at run time: each change is written down with who made it, on the fake and on the real store."""

import pytest

from fallbacks.ledger.limits.control import KEPT, Change, Control
from fallbacks.ledger.states import State
from tasks.errors import StepRefused
from tasks.reasons import Reason
from tests.fallbacks.conftest import Play
from tests.fallbacks.scene import Scene


def test_a_change_is_written_down_with_who_when_from_and_to(play: Play) -> None:
    async def story(s: Scene) -> None:
        control, now = Control(s.store), await s.store.now_ms()
        await control.change("anna", {"autonomy": "off"})
        await control.change("ben", {"autonomy": None, "paused:tickets": "1"})
        told = [(change.who, change.what, change.before, change.after) for change in await control.log()]
        assert told == [
            ("ben", "paused:tickets", None, "1"),
            ("ben", "autonomy", "off", None),
            ("anna", "autonomy", None, "off"),
        ]
        assert all(0 <= change.at_ms - now < 60_000 for change in await control.log())
        fields = await control.fields()
        assert (fields["changed_by"], fields["paused:tickets"], "autonomy" in fields) == ("ben", "1", False)

    play(story)


def test_what_is_so_already_is_no_change(play: Play) -> None:
    async def story(s: Scene) -> None:
        control = Control(s.store)
        await control.change("anna", {"autonomy": "off"})
        assert await control.change("ben", {"autonomy": "off", "day_cap": None}) == []
        assert len(await control.log()) == 1
        assert (await control.fields())["changed_by"] == "anna"

    play(story)


AT_ONCE = 500
"""Changes of one call, each of which is a line."""


def test_the_log_is_bounded(play: Play) -> None:
    async def story(s: Scene) -> None:
        control = Control(s.store)
        for start in range(0, KEPT + 5, AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, KEPT + 5))
            await control.change("anna", {f"paused:{number - start}": str(number) for number in numbers})
        log = await control.log(2 * KEPT)
        assert (len(log), log[0].after, log[-1].after) == (KEPT, str(KEPT + 4), "5")

    play(story)


def test_the_budget_set_at_run_time_rules_the_next_call(play: Play) -> None:
    async def story(s: Scene) -> None:
        lease = await s.running()
        await Control(s.store).change("anna", {"day_cap": "99"})
        with pytest.raises(StepRefused) as refused:
            await s.begin(lease, 100)
        assert refused.value.reason is Reason.DAILY_BUDGET
        await Control(s.store).change("anna", {"day_cap": "100"})
        await s.begin(lease, 100)

    play(story)


def test_what_waits_for_the_budget_and_nothing_else_is_woken(play: Play) -> None:
    async def story(s: Scene) -> None:
        later = await s.store.now_ms() + 3_600_000
        for ticket_id, reason in (("poor", Reason.DAILY_BUDGET), ("slow", Reason.MODEL_UNAVAILABLE)):
            await s.ledger.park(await s.running(ticket_id), [], reason, later)
        assert await s.sweep() == []
        assert await Control(s.store).wake(Reason.DAILY_BUDGET) == 1
        assert await s.sweep() == [("triage", "poor")]
        assert (await s.state("poor"), await s.state("slow")) == (State.QUEUED, State.PARKED)

    play(story)


def test_changes_are_told_in_words() -> None:
    told = {
        Change(0, "a", "paused:tickets", None, "1").words,
        Change(0, "a", "paused:tickets", "1", None).words,
        Change(0, "a", "day_cap", None, "5000000000").words,
        Change(0, "a", "autonomy", "auto", "off").words,
        Change(0, "a", "drain:host:7:ab", None, "1").words,
    }
    assert told == {
        "paused tickets",
        "unpaused tickets",
        "daily budget: as set up -> $5.00",
        "autonomy: auto -> off",
        "asked worker host:7:ab to finish",
    }
