"""Reads the price file: `make:id` to dollars per million tokens.

```yaml
openai:qwen3:8b: 0                       # in and out; the machine is ours
openai:gpt-5-mini: {input: 0.2, output: 1.6, cache_read: 0.02}
systemone:nimble@http://gpu:8080: {input: 0, output: 0, context: 8192}
```
"""

import math
from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from worker.config.errors import PriceFileError
from worker.config.models import read_model
from worker.config.prices import OwnPrice

MAX_BYTES = 1_000_000

MOST_DOLLARS = 1_000_000
"""For a million tokens: a thousand times the dearest of the list. More is a slip."""

_NAMES = tuple(field.name for field in fields(OwnPrice))


def load_prices(path: Path) -> Mapping[str, OwnPrice]:
    """The prices by the model's name. Raises `PriceFileError` with the first fault."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        content = yaml.safe_load(raw.decode("utf-8-sig")) if len(raw) <= MAX_BYTES else None
    except OSError as error:
        raise PriceFileError(path, f"cannot be read: {error.strerror or error}") from None
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise PriceFileError(path, f"is not YAML{f' at line {mark.line + 1}' if mark else ''}") from None
    if not isinstance(content, dict) or not content:
        raise PriceFileError(path, "holds no prices: write `MAKE:ID: dollars`, a line for each model")
    prices = {}
    for entry, given in content.items():
        try:
            prices[read_model(str(entry)).name] = _price(given)
        except ValueError as error:
            raise PriceFileError(path, f"{str(entry)[:80]}: {error}") from None
    return prices


def _price(given: Any) -> OwnPrice:
    if not isinstance(given, dict):
        dollars = _dollars(given)
        return OwnPrice(dollars, dollars)
    if unknown := sorted(str(name) for name in given.keys() - set(_NAMES)):
        raise ValueError(f"{unknown[0]!r} is not one of {', '.join(_NAMES)}")
    if "input" not in given or "output" not in given:
        raise ValueError("needs `input` and `output`")
    context = given.get("context")
    if context is not None and (type(context) is not int or context < 1):
        raise ValueError("`context` is not a number of tokens")
    write, read = given.get("cache_write"), given.get("cache_read")
    return OwnPrice(
        input=_dollars(given["input"]),
        output=_dollars(given["output"]),
        cache_write=None if write is None else _dollars(write),
        cache_read=None if read is None else _dollars(read),
        context=context,
    )


def _dollars(value: Any) -> Decimal:
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 <= value <= MOST_DOLLARS:
        raise ValueError("a price is not a number of dollars per million tokens, 0 or more")
    return Decimal(str(value))
