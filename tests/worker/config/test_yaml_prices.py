"""The price file is read as it is meant, or refused with one line."""

from decimal import Decimal
from pathlib import Path

import pytest

from worker.config.errors import PriceFileError, SettingsError
from worker.config.prices import OwnPrice
from worker.config.settings import load_settings
from worker.config.yaml_prices import load_prices


def test_prices_are_read_by_the_models_name(tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text(
        "openai:qwen3:8b: 0\n"
        "anthropic:claude-haiku-5-5: {input: 0.1, output: 0.5}\n"
        "openai:m@http://h:1/: {input: 1, output: 2, cache_write: 1.25, cache_read: 0.1, context: 8192}\n"
    )
    assert load_prices(file) == {
        "openai:qwen3:8b": OwnPrice(Decimal(0), Decimal(0)),
        "claude-haiku-5-5": OwnPrice(Decimal("0.1"), Decimal("0.5")),
        "openai:m@http://h:1": OwnPrice(Decimal(1), Decimal(2), Decimal("1.25"), Decimal("0.1"), 8192),
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no prices"),
        ("- openai:m\n", "holds no prices"),
        ("a: [\n", "is not YAML at line 2"),
        ("qwen3:8b: 0\n", "names no make"),
        ("openai:m: free\n", "is not a number of dollars"),
        ("openai:m: -1\n", "is not a number of dollars"),
        ("openai:m: .inf\n", "is not a number of dollars"),
        ("openai:m: true\n", "is not a number of dollars"),
        ("openai:m: {input: 1}\n", "needs `input` and `output`"),
        ("openai:m: {input: 1, output: 1, cached: 1}\n", "'cached' is not one of"),
        ("openai:m: {input: 1, output: 1, context: many}\n", "`context` is not a number of tokens"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_with_one_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text(text)
    with pytest.raises(PriceFileError) as refused:
        load_prices(file)
    assert said in str(refused.value)
    assert str(refused.value).startswith(f"{file}: ")
    assert "\n" not in str(refused.value)


def test_a_price_file_that_is_not_there_stops_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DESKHAND_PRICES", str(tmp_path / "none.yaml"))
    with pytest.raises(SettingsError) as refused:
        load_settings()
    (fault,) = refused.value.faults
    assert fault.startswith("DESKHAND_PRICES: ")
    assert "cannot be read" in fault
