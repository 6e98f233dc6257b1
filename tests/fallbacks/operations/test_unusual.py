"""What is unusual: each of the things that go wrong is found, named with its command, and nothing else is."""

from dataclasses import replace
from typing import Any

import pytest

from fallbacks.ledger.limits.control import Change as Switched
from fallbacks.ledger.states import State
from fallbacks.ledger.sums.trend import Change, Seen
from fallbacks.ledger.views import Stats
from fallbacks.operations.breakers import Breaker
from fallbacks.operations.fleet import Worker
from fallbacks.operations.look import Look, Terms
from fallbacks.operations.quality import Quality
from fallbacks.operations.senders import Sender, Senders
from fallbacks.operations.unusual import unusual

NOW_MS = 1_790_000_000_000
HOUR = 3_600_000
BEATS = [{"slots": 64, "queues": ["tickets", "intake", "handoff"], "busy": 0}]

STATS = Stats(
    ended_here=0,
    states=dict.fromkeys(State, 0),
    oldest_seconds={},
    inbox={},
    slots=64,
    workers=BEATS,
    spent_nanodollars=0,
    reserved_nanodollars=0,
    outbox=0,
    alerts=0,
    counters={},
    meters={},
    control={},
    now_ms=NOW_MS,
)

FIRST, LATER = Seen(NOW_MS - 24 * HOUR), NOW_MS - HOUR // 12
RUNS, COST = "runs|outcome=suggested|reason=", "llm_cost_nanodollars|model=m"
USUAL = {RUNS: 24_000, COST: 24_000_000}


def calm(**now: Any) -> Look:
    """A day of a thousand runs an hour, and five minutes of what is given."""
    meters = {**USUAL, RUNS: USUAL[RUNS] + 80, COST: USUAL[COST] + 80_000}
    before = Seen(LATER, meters=USUAL)
    after = Seen(NOW_MS, meters={**meters, **now.get("meters", {})}, counters=now.get("counters", {}))
    return Look(
        stats=STATS,
        terms=Terms(),
        now=Change(before, after),
        day=Change(FIRST, before),
        fleet=(),
        breakers=(),
        senders=Senders(0, 0, (), ()),
        undelivered=(),
        given_up=0,
        late_ms=0,
        alerts_late_ms=0,
        switched=(),
        days=(),
        quality=(),
    )


def stats(**fields: Any) -> Look:
    return replace(calm(), stats=replace(STATS, **fields))


def states(**counts: int) -> dict[str, int]:
    return {**STATS.states, **counts}


DEPLOYED = Switched(NOW_MS - 600_000, "w1", "deployed:code", "v1", "v2")
HANDED_OFF = {"runs|outcome=handed_off|reason=internal_error": 60}
WORKER = Worker("box:7:ab", ("tickets",), 64, 1, False, 45.0, True, "box", 7, "v1", ("t1",))

CASES: dict[str, tuple[Look, str]] = {
    "backlog": (
        stats(states=states(queued=500), oldest_seconds={"queued": 30.0}),
        "deskhand worker --queues tickets",
    ),
    "no_workers": (stats(states=states(queued=5), slots=0), "deskhand worker --queues tickets"),
    "no_handoff_worker": (stats(workers=[{"slots": 64, "queues": ["tickets"]}]), "deskhand worker --queues handoff"),
    "paused": (stats(control={"paused:tickets": "1"}), "deskhand unpause --queue tickets"),
    "switched_off": (stats(control={"autonomy": "off"}), "deskhand autonomy suggest"),
    "hand_offs": (calm(meters=HANDED_OFF), "deskhand retry --reason internal_error"),
    "cost": (calm(meters={COST: USUAL[COST] + 200_000}), "deskhand autonomy off"),
    "failing_calls": (
        calm(meters={"llm_requests|model=m|outcome=model_timeout": 30, "llm_requests|model=m|outcome=ok": 30}),
        "deskhand plan",
    ),
    "frozen_worker": (replace(calm(), fleet=(WORKER,)), "kill -9 7"),
    "webhooks_fail": (calm(counters={"outbox_retry": 9, "outbox_delivered": 1}), "deskhand webhooks redeliver --all"),
    "webhooks_given_up": (replace(calm(), given_up=3), "deskhand webhooks redeliver --all"),
    "webhooks_disabled": (stats(control={"webhook_disabled": "410"}), "deskhand webhooks enable"),
    "inbox_late": (replace(calm(), late_ms=5.0 * HOUR), "deskhand inbox work"),
    "flood": (
        replace(calm(), senders=Senders(100, 60, (Sender("mail", "a b", 80, 0.8),), ())),
        "deskhand tickets --requester 'a b' --source mail --state queued --ids --limit 5000 | deskhand cancel -",
    ),
    "breaker_open": (
        replace(calm(), breakers=(Breaker("m", "open", "model_auth", 3, NOW_MS + 5000),)),
        "deskhand retry --reason model_auth",
    ),
    "budget": (
        replace(stats(spent_nanodollars=85), terms=Terms(day_cap=100)),
        "deskhand budget --day 2e-07",
    ),
    "overbilled": (calm(counters={"bound_violations": 1}), "deskhand autonomy off"),
    "lost_workers": (calm(counters={"leases_lost": 3}), "deskhand audit"),
    "alerts_late": (replace(calm(), alerts_late_ms=200_000.0), "deskhand worker --queues handoff"),
    "alerts_fail": (calm(counters={"alert_failures": 9}), "deskhand doctor"),
    "unreadable": (stats(inbox={"unreadable": 9}), "deskhand inbox work"),
    "agreement": (
        replace(calm(), quality=(Quality(1, "v1", 50, 50, 50, 48), Quality(2, "v2", 50, 50, 50, 30))),
        "deskhand autonomy suggest",
    ),
    "store_full": (
        replace(calm(), store={"used_memory": 90, "maxmemory": 100}),
        "redis-cli CONFIG SET maxmemory ...",
    ),
    "store_disk": (replace(calm(), store={"disk_free_bytes": 9, "disk_bytes": 100}), "df -h"),
    "history_disk": (
        replace(calm(), fleet=(replace(WORKER, silent=False, history_room=(9, 100)), replace(WORKER, silent=False))),
        "df -h",
    ),
    "store_forgets": (replace(calm(), store={"aof_last_write_status": "err"}), "df -h"),
}


def test_nothing_is_unusual_on_a_day_like_others() -> None:
    assert unusual(calm()) == []
    assert unusual(replace(calm(), switched=(DEPLOYED,))) == []


def test_a_queue_that_a_starting_worker_will_serve_is_not_left_alone() -> None:
    at_the_start = stats(states=states(queued=5), slots=0, workers=[], starting=frozenset({"tickets", "handoff"}))
    assert unusual(at_the_start) == []


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_is_found_alone_with_the_command_that_acts_on_it(name: str) -> None:
    look, act = CASES[name]
    (found,) = unusual(look)
    assert (found.name, found.act) == (name, act)
    assert found.see


def test_a_deploy_is_named_where_what_follows_it_can_be_its_doing() -> None:
    look = replace(calm(meters=HANDED_OFF), switched=(DEPLOYED,))
    deploy, cause = unusual(look)
    assert (deploy.name, cause.name) == ("deploy", "hand_offs")
    assert "code: v1 -> v2" in deploy.what
    assert "v1 -> v2" in cause.advice
    old = replace(DEPLOYED, at_ms=NOW_MS - 2 * HOUR)
    assert [found.name for found in unusual(replace(look, switched=(old,)))] == ["hand_offs"]


def test_the_worst_comes_first() -> None:
    look = replace(calm(meters=HANDED_OFF), given_up=1, fleet=(WORKER,), alerts_late_ms=200_000.0)
    assert [found.name for found in unusual(look)] == ["alerts_late", "frozen_worker", "hand_offs", "webhooks_given_up"]


def test_what_has_always_been_so_is_not_unusual() -> None:
    reason = "runs|outcome=handed_off|reason=low_confidence"
    before = Seen(LATER, meters={**USUAL, reason: 8_000})
    after = Seen(NOW_MS, meters={**USUAL, RUNS: USUAL[RUNS] + 80, reason: 8_030})
    assert unusual(replace(calm(), now=Change(before, after), day=Change(FIRST, before))) == []
