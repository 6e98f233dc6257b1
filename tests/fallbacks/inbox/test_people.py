"""How long people take, and how often they agree: stored with each decision, counted from the examples."""

import json
from typing import Any

from fallbacks.inbox.decisions import held_since_ms
from fallbacks.inbox.people import Probed, corrected_by, of_person, probed, work_by
from fallbacks.ledger.past.examples import Example, read_example
from tasks.run import events as ev
from tasks.triage.process import HandDecision
from tests.fallbacks.scene import TRIAGE, Scene, scene


def example(by: str, label: str, proposed: str | None = "a", **fields: Any) -> Example:
    row = {"by": by, "label": label, "team": "cards", "proposed": proposed, **fields}
    return read_example(TRIAGE, json.dumps(row))


def test_reviewers_and_kinds_are_counted_with_median_and_p90() -> None:
    rows = [example("ann", "a", handled_seconds=n, keystrokes=1) for n in range(1, 11)]
    rows += [example("eve", "b"), example("eve", "b", None)]
    ann, eve = work_by(lambda row: row.by, rows)
    assert (ann.name, ann.decided, ann.agreement, ann.timed) == ("ann", 10, 1.0, 10)
    assert (ann.median_seconds, ann.p90_seconds, ann.median_keystrokes) == (5, 9, 1)
    assert (eve.decided, eve.judged, eve.agreement) == (2, 1, 0.0)
    assert (eve.median_seconds, eve.p90_seconds, eve.median_keystrokes) == (None, None, None)
    assert [work.name for work in work_by(lambda row: row.key, rows)] == ["a", "b"]
    assert work_by(lambda row: row.by, []) == []


def test_corrections_count_for_who_decided_before() -> None:
    rows = [example("ann", "a", id="t1"), example("ann", "a", id="t2"), example("eve", "b", id="t3")]
    rows += [example("eve", "b", None, id="t1", action="correct", earlier={"label": "a"})]
    rows += [example("eve", "b", None, id="gone", action="correct", earlier={"label": "a"})]
    assert corrected_by(lambda row: row.by, rows) == {"ann": 1}
    assert corrected_by(lambda row: row.key, rows) == {"a": 1}


def test_a_median_under_a_second_over_twenty_decisions_is_rubber_stamping() -> None:
    def work(many: int, seconds: float) -> bool:
        rows = [example("ann", "a", handled_seconds=seconds) for _ in range(many)]
        return work_by(lambda row: row.by, rows)[0].hasty

    assert [work(20, 0.9), work(19, 0.9), work(20, 1.0)] == [True, False, False]


def test_probes_are_counted_by_who_was_shown_them() -> None:
    counters = {of_person("caught", "ann"): "2", of_person("missed", "ann"): "1", of_person("missed", "eve"): "4"}
    assert probed("ann", counters) == Probed(caught=2, shown=3)
    assert probed("bob", counters) == Probed(caught=0, shown=0)


def test_an_item_is_held_since_the_first_time_in_its_present_wait() -> None:
    events = [
        (1, ev.HandedOff()),
        (2, ev.PersonActed("ann", "claim")),
        (3, ev.Suggested()),
        (4, ev.PersonActed("eve", "claim")),
        (5, ev.PersonActed("ann", "claim")),
        (6, ev.PersonActed("ann", "release")),
        (7, ev.PersonActed("ann", "claim")),
    ]
    timeline = [ev.Recorded(seq, at, 1, event) for seq, (at, event) in enumerate(events)]
    assert [held_since_ms(timeline, who) for who in ("ann", "eve", "bob")] == [5, 4, None]


@scene
async def test_a_decision_keeps_how_long_it_took(s: Scene) -> None:
    await s.suggested("t1")
    await s.suggested("t2")
    await s.suggested("t3")
    await s.inbox.next("ann")
    await s.inbox.approve("t1", "ann", None, keystrokes=1)
    await s.inbox.claim("t2", "ann")
    await s.inbox.decide("t2", "ann", None, HandDecision(label="new_loan"), keystrokes=2)
    await s.inbox.approve("t3", "ann", None)
    rows = [json.loads(stored) for stored in await s.store.listed("examples", 0, -1)]
    assert [row["keystrokes"] for row in rows] == [1, 2, None]
    assert [row["handled_seconds"] is not None for row in rows] == [True, True, False]


@scene
async def test_an_item_held_ahead_counts_from_the_end_of_the_one_before(s: Scene) -> None:
    await s.suggested("t1")
    await s.suggested("t2")
    await s.inbox.claim("t1", "ann")
    await s.inbox.claim("t2", "ann")
    now = await s.store.now_ms()
    await s.store.put("last_acts", {"ann": str(now + 60_000)})
    await s.inbox.approve("t2", "ann", None)
    (row,) = [json.loads(stored) for stored in await s.store.listed("examples", 0, -1)]
    assert row["handled_seconds"] == 0
