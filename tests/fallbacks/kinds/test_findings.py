"""Where people's decisions say that the kinds are wrong; and that they say nothing where they say nothing."""

import random

import pytest

from fallbacks.kinds.candidates import LEAST, MOST, candidates
from fallbacks.kinds.changes import ERROR, WEEK_MS, changes
from fallbacks.kinds.confusions import confusions
from fallbacks.kinds.findings import find
from tests.bench.missing_label import holds, proposed, rows_of
from tests.fakes.desk import TRIAGE
from tests.fallbacks.kinds.made import ONE, OTHER, example
from tests.services.optional import LOCAL_MODEL

PRIZES = [f"you have won a prize of {n} euros, click the link to claim it" for n in range(LEAST)]
STRANGE = ["my neighbour's dog barks", "quarterly synergy report", "rain tomorrow?", "a recipe with leeks and cream"]
NOW = 10 * WEEK_MS


def test_kinds_that_people_exchange_are_named_once_with_both_ways() -> None:
    judged = [(ONE, OTHER)] * 3 + [(OTHER, ONE)] + [(ONE, ONE)] * 6
    (found,) = confusions(TRIAGE, [example(n, decided, said) for n, (said, decided) in enumerate(judged)])
    assert (found.suggested, found.decided, found.tickets, found.back, found.suggested_tickets) == (ONE, OTHER, 3, 1, 9)
    assert confusions(TRIAGE, [example(1, OTHER, ONE), example(2, OTHER, "gone"), example(3, closed="spam")]) == []


def test_alike_tickets_that_fit_no_kind_are_a_candidate_with_what_they_have_in_common() -> None:
    closed = [example(n, text=text, closed="other") for n, text in enumerate(PRIZES + STRANGE)]
    others = [example(100 + n, text="where is my parcel") for n in range(20)]
    others += [example(200, OTHER, ONE, text="claim the prize you have won")]
    (found,) = candidates(closed, others)
    assert sorted(found.tickets) == [f"t{n}" for n in range(LEAST)]
    assert {"link", "click"} < set(found.words)
    assert "it" not in found.words
    assert found.given == ((ONE, 1),)
    assert candidates(closed[1:], others) == []
    assert candidates([example(n, text=" ", closed="spam") for n in range(9)], others) == []


def test_tickets_of_one_text_are_one_group_however_many_and_the_oldest_are_not_looked_at() -> None:
    (found,) = candidates([example(n, text="win now", closed="spam") for n in range(MOST + 5)], [example(0)])
    assert len(found.tickets) == MOST
    assert "t0" not in found.tickets


def test_a_kind_that_comes_more_often_is_named_and_one_decided_alone_is_not_compared() -> None:
    before = [example(n, ONE if n % 2 else OTHER) for n in range(400)]
    week = [example(1000 + n, ONE if n % 10 else OTHER, at=NOW) for n in range(100)]
    spike, fall = sorted(changes(TRIAGE, before + week, NOW, ()), key=lambda each: not each.more)
    assert (spike.kind, spike.now, spike.of_now, spike.before, spike.of_before) == (ONE, 90, 100, 200, 400)
    assert (fall.kind, fall.more) == (OTHER, False)
    assert changes(TRIAGE, before + week, NOW, (OTHER,)) == []
    strange = [example(2000 + n, closed="other", at=NOW) for n in range(30)]
    assert "" in {each.kind for each in changes(TRIAGE, before + strange, NOW, ())}


def test_where_nothing_changes_one_look_in_twenty_at_most_names_anything() -> None:
    dice, kinds = random.Random(3), sorted(TRIAGE.taxonomy.by_name)
    alarms = sum(
        bool(changes(TRIAGE, [example(n, dice.choice(kinds), at=NOW * (n % 4 == 0)) for n in range(200)], NOW, ()))
        for _ in range(200)
    )
    assert alarms <= 200 * ERROR + 6


def test_the_last_word_on_a_ticket_counts_once() -> None:
    found = find(TRIAGE, [example(1, closed="spam"), example(1, OTHER, ONE), example(2)], NOW, ("x",))
    assert (found.ended, found.unfitting, found.candidates, found.alone) == (2, 0, (), ("x",))


@LOCAL_MODEL
@pytest.mark.parametrize("left_out", ["age_limit", "card_arrival"])
def test_a_label_that_is_left_out_is_proposed(left_out: str) -> None:
    """The short form of `python -m tests.bench.missing_label`, on a few labels of the train split."""
    labels = ("age_limit", "card_arrival", "card_linking", "card_not_working", "pending_transfer", "top_up_failed")
    rows = [row for row in rows_of("train") if row[1] in labels]
    found, truth = proposed(left_out, rows[::3], rows[1::3])
    assert any(holds(each, left_out, truth) for each in found)
