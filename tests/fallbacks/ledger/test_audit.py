"""The audit balances on busy books, also while they are written, and names every corruption by its ticket."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from fallbacks.delivery.alerts import Alert, AlertDesk, Escalation
from fallbacks.ledger.states import Closed, State
from fallbacks.ledger.sums.audit import AuditReport, audit, repair
from fallbacks.plan import DAY_MS
from fallbacks.store.redis_store import RedisStore
from tasks.errors import LeaseLost
from tasks.reasons import Reason
from tasks.run.limits import Limits
from tests.fallbacks.conftest import Play
from tests.fallbacks.ledger.busy_ledger import fill
from tests.fallbacks.scene import Scene, ticket


async def changed(s: Scene, *command: Any) -> AuditReport:
    """The audit of busy books after one command behind the scripts' back."""
    assert isinstance(s.store, RedisStore)
    await fill(s)
    name, key, *rest = command
    today = await s.store.now_ms() // DAY_MS
    await s.store.redis.execute_command(name, s.store.prefix + key.format(today=today, long_ago=today - 390), *rest)
    return await audit(s.store)


def test_a_busy_ledger_balances(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        await fill(s)
        await s.ledger.accept(ticket("closed"), Limits(), closed=Closed.AUTOMATIC)
        report = await audit(s.store)
        assert report.problems == ()
        assert report.balanced
        assert set(report.states) == set(State)
        assert all(report.states.values())
        assert report.accepted == report.rows == sum(report.states.values())
        assert (report.spent, report.reserved) == (10 + 11 + 12 + 50, 100 + 101 + 102)
        assert (report.effects_done, report.effects_open) == (1, 2)
        assert (report.alerts_raised, report.alerts_told, report.alerts_pending) == (3, 0, 3)

    play_for_real(story)


def test_an_empty_ledger_balances(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        assert (await audit(s.store)).balanced

    play_for_real(story)


def test_told_alerts_balance(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        await fill(s)
        await s.pass_ms(5_000)
        reason, alert_id, *_ = await s.store.run("take_alert", "", 1000)
        assert (await audit(s.store)).balanced, "taken and not told yet"
        await s.store.run("settle_alert", "", reason, alert_id, 1, 1000)
        report = await audit(s.store)
        assert (report.problems, report.alerts_told, report.alerts_pending) == ((), 1, 2)

    play_for_real(story)


LATE_STEP = '{"at":9999999999999,"epoch":1,"type":"step_started","v":1,"step":2,"call_id":"c2","model":"small"}'

CORRUPTIONS = {
    "lost from its state": (("ZREM", "s:parked", "paid1"), "paid1"),
    "in two states": (("ZADD", "s:decided", 1, "paid1"), "paid1"),
    "a ghost in a state": (("ZADD", "s:decided", 1, "ghost"), "ghost"),
    "row lost": (("DEL", "t:paid1"), "paid1"),
    "row without a state": (("HDEL", "t:paid1", "state"), "paid1"),
    "never due": (("ZREM", "due", "queued3"), "queued3"),
    "due though at rest": (("ZADD", "due", 1, "suggested"), "suggested"),
    "lost from the inbox": (("ZREM", "inbox", "handed_off"), "handed_off"),
    "lost from a facet": (("ZREM", "inbox:reason:step_limit", "handed_off"), "handed_off"),
    "in the inbox though decided": (("ZADD", "inbox", 1, "decided"), "decided"),
    "spent changed": (("HINCRBY", "t:paid1", "spent", 5), "paid1"),
    "spent over the cap": (("HSET", "t:running1", "rsv", 60_000_000), "running1"),
    "journal lost": (("DEL", "j:paid1"), "paid1"),
    "reservation leaked by a run": (("HSET", "t:paid1", "rsv", 7), "paid1"),
    "running without owner": (("HDEL", "t:running1", "owner"), "running1"),
    "effect forgotten": (("HDEL", "effects:effects", "k1"), "effects"),
    "effect invented": (("HSET", "effects:effects", "k3", "done:x"), "effects"),
    "effect reopened": (("HSET", "effects:effects", "k1", "begun:x"), "effects"),
    "effect open at the end": (("HSET", "effects:decided", "k", "begun:x"), "decided"),
    "day spent changed": (("HINCRBY", "day:{today}", "spent", 5), ""),
    "day reservation leaked": (("HINCRBY", "day:{today}", "reserved", 5), ""),
    "day over its cap": (("HSET", "day:{today}", "cap", 5), ""),
    "billed for more than was reserved": (("HSET", "t:paid1", "overbilled", 1), "paid1"),
    "billed for more, by no ticket": (("HINCRBY", "n", "bound_violations", 1), ""),
    "more steps than allowed": (("HSET", "t:paid1", "limits", '{"max_steps": 0}'), "paid1"),
    "more tokens than allowed": (("HSET", "t:paid1", "limits", '{"max_tokens": 0}'), "paid1"),
    "more seconds than allowed": (("RPUSH", "j:running1", LATE_STEP), "running1"),
    "lease ended long ago": (("HSET", "t:running1", "lease", 1), "running1"),
    "row that is no hash": (("SET", "t:paid1", "x"), "paid1"),
    "journal that is no list": (("SET", "j:paid1", "x"), "paid1"),
    "effects that are no hash": (("SET", "effects:effects", "x"), "effects"),
    "another day invented": (("HSET", "day:{long_ago}", "spent", 5), ""),
    "accepted changed": (("HINCRBY", "n", "accepted", 1), ""),
    "alert forgotten": (("ZREM", "alerts", "step_limit"), ""),
    "alert lost": (("DEL", "alert:step_limit"), ""),
}


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_a_corruption_is_found_with_its_ticket(corruption: str, play_for_real: Play) -> None:
    command, ticket_id = CORRUPTIONS[corruption]

    async def story(s: Scene) -> None:
        report = await changed(s, *command)
        assert not report.balanced
        assert {found for found, _ in report.problems} - {""} == ({ticket_id} - {""}), report.problems
        assert ticket_id in {found for found, _ in report.problems}

    play_for_real(story)


def test_what_a_day_holds_for_no_ticket_is_given_back(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        report = await changed(s, "HINCRBY", "day:{today}", "reserved", 5)
        (day,) = report.leaked
        assert await repair(s.store, report) == {day: (100 + 101 + 102 + 5, 100 + 101 + 102)}
        report = await audit(s.store)
        assert (report.problems, report.leaked, await repair(s.store, report)) == ((), (), {})

    play_for_real(story)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("HSET", "t:paid1", "rsv", 7), id="a ticket at rest may hold it"),
        pytest.param(("HINCRBY", "day:{today}", "reserved", -5), id="less than the tickets hold"),
        pytest.param(("HINCRBY", "day:{today}", "spent", 5), id="money was spent"),
    ],
)
def test_what_is_not_certainly_ours_is_left_as_it_is(command: tuple[Any, ...], play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        report = await changed(s, *command)
        assert report.problems
        assert (report.leaked, await repair(s.store, report)) == ((), {})

    play_for_real(story)


def test_a_call_billed_for_more_is_named_and_reported(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        lease = await s.running("t1")
        await s.begin(lease, 100, day_cap=150)
        await s.end(lease, 160)
        report = await audit(s.store)
        today = await s.store.now_ms() // DAY_MS
        assert set(report.problems) == {
            ("t1", "was billed for more than was reserved, by 1 of its calls"),
            ("", f"160 was spent or is reserved on day {today} and 150 was allowed"),
        }
        await s.pass_ms(5_000)
        sink = Sink()
        ((alert, failures),) = await AlertDesk(s.store, (sink,), quiet_seconds=60).send_due()
        assert (alert.reason, alert.count, alert.tickets, failures) == (Escalation.BOUND_VIOLATION, 1, ("t1",), {})
        assert sink.sent == ["1 call was billed for more than the worst case that was reserved"]
        assert (await audit(s.store)).problems == report.problems, "the alert is no hand-off's"

    play_for_real(story)


class Sink:
    name = "sink"

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def send(self, alert: Alert) -> None:
        self.sent.append(alert.title)


def test_an_effect_that_ended_twice_is_found(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        assert isinstance(s.store, RedisStore)
        await fill(s)
        ended = next(event for event in await s.store.journal("effects") if "effect_ended" in event)
        await s.store.redis.execute_command("RPUSH", s.store.prefix + "j:effects", ended)
        assert (await audit(s.store)).problems == (("effects", "ended the effect k1 2 times"),)

    play_for_real(story)


async def work(s: Scene, worker: int, stopped: Callable[[], bool]) -> None:
    """Tickets through many states, as fast as the store answers."""
    n = 0
    while not stopped():
        n += 1
        ticket_id = f"w{worker}n{n}"
        lease = await s.running(ticket_id, f"w{worker}")
        await s.begin(lease, 1000)
        await s.end(lease, n)
        if n % 3 == 0:
            await s.ledger.release(lease, (), "again")
            lease = await s.claim(ticket_id, f"w{worker}")
        await s.ledger.begin_effect(lease, f"k{n}", "refund", (), key_honoured=True)
        await s.begin(lease, 500, "c2")
        if n % 5 == 0:
            await s.inbox.cancel(ticket_id, "ann")
            with pytest.raises(LeaseLost):
                await s.hand_off(lease)
            continue
        await s.ledger.end_effect(lease, f"k{n}", "done")
        await s.hand_off(lease, Reason.LOOP_DETECTED)


def test_the_ledger_balances_while_it_is_written(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        done = False
        workers = [asyncio.create_task(work(s, n, lambda: done)) for n in range(8)]
        reports = [await audit(s.store) for _ in range(25)]
        done = True
        await asyncio.gather(*workers)
        assert [report.problems for report in reports] == [()] * len(reports)
        assert reports[0].rows < reports[-1].rows
        assert (await audit(s.store)).balanced

    play_for_real(story)
