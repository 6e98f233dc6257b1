"""The calculator: Little's law, bounded by threads and cores; dollars as integers."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import ModelError
from tasks.money import from_usd
from worker.cli import main
from worker.config.settings import DEFAULT_REMOTE_MODEL
from worker.models.genai_pricing import Prices
from worker.ops.capacity import (
    BUSY,
    CLUSTER_TIMES,
    CORE_BUSY,
    SLOTS_PER_PROCESS,
    STORE_CPU_SECONDS,
    WORKER_CPU_SECONDS,
    capacity,
    rate_of,
    typical_cost,
)


@given(rate=st.floats(0.001, 1000), latency=st.floats(0.1, 120))
def test_slots_and_processes_carry_the_load(rate: float, latency: float) -> None:
    need = capacity(rate, latency, 1, 1)
    assert need.slots * BUSY >= rate * latency * 0.999
    assert need.slots == need.processes * need.slots_per_process
    assert need.slots_per_process <= SLOTS_PER_PROCESS
    assert need.processes * CORE_BUSY >= rate * WORKER_CPU_SECONDS * 0.999


@pytest.mark.parametrize(
    ("text", "rate"), [("50/s", 50), ("3000/m", 50), ("180000 / h", 50), ("43200/d", 0.5), ("2", 2)]
)
def test_rates_are_read_with_their_unit(text: str, rate: float) -> None:
    assert rate_of(text) == rate


@pytest.mark.parametrize("text", ["", "fast", "0/s", "5/w", "-1/s"])
def test_what_is_no_rate_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write 50/s"):
        rate_of(text)


def test_money_is_counted_in_whole_nanodollars_and_the_local_model_is_free() -> None:
    assert typical_cost("local", Prices()) == 0
    need = capacity(1, 1, typical_cost(DEFAULT_REMOTE_MODEL, Prices()), from_usd("0.05"))
    assert need.day_cost == 86_400 * typical_cost(DEFAULT_REMOTE_MODEL, Prices())
    assert need.day_worst == 86_400 * from_usd("0.05")
    with pytest.raises(ModelError):
        typical_cost("claude-that-nobody-priced", Prices())


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["capacity", *arguments])
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_the_command_answers_in_words_and_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(said(capsys, "--rate", "50/s", "--latency", "8s", "--model", DEFAULT_REMOTE_MODEL, "--json"))
    assert document["slots"] >= 500
    assert (document["masters"], document["broker_apart"]) == (1, False)
    assert "a cluster of 3 masters, and a broker apart" in said(capsys, "--rate", "900/s")


def test_the_broker_goes_first_and_a_cluster_has_three_masters_at_least() -> None:
    one, apart, few, many = (capacity(rate, 8, None, None) for rate in (700, 760, 900, 8000))
    assert [(need.broker_apart, need.masters) for need in (one, apart, few)] == [(False, 1), (True, 1), (True, 3)]
    assert many.masters * CORE_BUSY >= 8000 * STORE_CPU_SECONDS * CLUSTER_TIMES
