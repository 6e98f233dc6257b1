"""The gate before a change: what fails it, what does not, and what it is compared with."""

import math

import pytest

from tests.fakes.desk import TAXONOMY
from worker.evaluation.figures import Graded
from worker.evaluation.labelled import Labelled
from worker.evaluation.regression import Regression, decided_rows, recorded_answers, regression, unlearned
from worker.models.held_out import sign_test


def answer(number: int, *, right: bool = True, stood: bool = True, known: bool = True) -> Graded:
    team = "billing" if known else ""
    guessed = ("duplicate_charge", "billing") if right else ("password_reset", "access")
    return Graded(f"t{number}", "duplicate_charge", team, *guessed, 0.9, stood, "", "local", 1000, 0.1)


def change(lost: int = 0, won: int = 0, *, stood: bool = True, tickets: int = 40) -> Regression:
    before = [answer(i, right=not lost <= i < lost + won, stood=stood) for i in range(tickets)]
    after = [answer(i, right=i >= lost, stood=stood) for i in range(tickets)]
    return regression(before, after)


@pytest.mark.parametrize(("lost", "won", "worse"), [(0, 0, False), (4, 0, False), (5, 0, True), (6, 1, False), (7, 1, True), (0, 9, False)])  # fmt: skip # noqa: E501
def test_a_change_is_worse_where_chance_would_hardly_lose_so_many(lost: int, won: int, *, worse: bool) -> None:
    found = change(lost, won, stood=False)
    assert found.worse is worse
    assert (found.right.lost, found.right.gained) == (lost, won)
    assert found.p_fewer_right == pytest.approx(sign_test(lost, won))
    assert [each.verdict for each in found.differences] == ["worse"] * lost + ["better"] * won


def test_new_wrong_decisions_that_it_stands_by_fail_it_even_where_as_many_are_won() -> None:
    before = [answer(i, right=i < 30, stood=i < 30) for i in range(40)]
    after = [answer(i, right=i < 30, stood=True) for i in range(40)]
    found = regression(before, after)
    assert found.right.before == found.right.after
    assert found.harm.gained == 10
    assert found.worse


def test_a_false_alarm_is_as_rare_as_the_rule_says() -> None:
    for differ in range(1, 60):
        failing = (math.comb(differ, lost) for lost in range(differ + 1) if sign_test(lost, differ - lost) <= 0.05)
        assert sum(failing) / 2**differ <= 0.05


def test_too_few_tickets_gate_nothing_and_foreign_labels_are_counted() -> None:
    with pytest.raises(ValueError, match="29 tickets are too few"):
        change(tickets=29)
    rows = [answer(i) for i in range(30)]
    assert regression([*rows, answer(30, known=False)], [*rows, answer(30)]).left_out == 1


def example(name: str, **fields: object) -> dict[str, object]:
    return {"id": name, "text": f"text of {name}", "label": "duplicate_charge", "proposed": "password_reset"} | fields


def test_decisions_in_the_ledger_carry_what_was_proposed_then() -> None:
    agent = {"label": "duplicate_charge", "team": "billing"}
    rows = decided_rows([example("a"), example("a", agent=agent), example("b"), example("c", text=" ")])
    assert [row.ticket.id for row in rows] == ["a", "b"]
    first, second = recorded_answers(rows, TAXONOMY)
    assert (first.suggested_label, first.right, first.stood) == ("duplicate_charge", True, True)
    assert (second.suggested_team, second.right, second.stood) == ("access", False, False)
    plain = Labelled(rows[0].ticket, "duplicate_charge", "", {})
    with pytest.raises(ValueError, match="name --model, --taxonomy or --prompt"):
        recorded_answers([plain], TAXONOMY)


def test_about_one_in_five_is_never_learned() -> None:
    rows = decided_rows([example(f"t{i}") for i in range(500)])
    assert 60 < len(unlearned(rows)) < 140
