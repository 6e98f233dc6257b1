"""Stuck detection: repetition without news is a loop, repetition with news is progress."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.run.stuck import LONGEST_CYCLE, SAME_CALL, Fingerprint, looping


def call(name: str, result: str = "same") -> Fingerprint:
    return (name, "{}", result)


def test_nothing_and_two_equal_calls_are_no_loop() -> None:
    assert looping(()) is None
    assert looping((call("a"), call("a"))) is None


def test_the_same_call_with_the_same_result_is_a_loop_wherever_it_stands() -> None:
    told = looping((call("a"), call("b"), call("a"), call("c"), call("a")))
    assert told == "a was called 3 times with the same arguments and the same result"


@pytest.mark.parametrize("length", range(2, LONGEST_CYCLE + 1))
def test_a_cycle_is_a_loop_when_it_has_gone_round_twice(length: int) -> None:
    cycle = tuple(call(str(n)) for n in range(length))
    assert looping((call("before"), *cycle, *cycle[:-1])) is None
    assert looping((call("before"), *cycle, *cycle)) is not None


def test_a_new_result_or_new_arguments_are_progress() -> None:
    assert looping(tuple(call("a", str(n)) for n in range(9))) is None
    assert looping(tuple(("a", str(n), "same") for n in range(9))) is None


@given(st.lists(st.integers(), unique=True).map(lambda results: tuple(call("a", str(n)) for n in results)))
def test_calls_that_always_learn_something_are_never_stuck(trail: tuple[Fingerprint, ...]) -> None:
    assert looping(trail) is None


@given(st.lists(st.sampled_from("ab"), min_size=2 * SAME_CALL - 1).map(lambda names: tuple(map(call, names))))
def test_no_trail_over_two_facts_stays_undetected_for_long(trail: tuple[Fingerprint, ...]) -> None:
    assert any(looping(trail[:length]) for length in range(1, len(trail) + 1))
