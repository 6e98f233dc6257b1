"""Each call of a script makes its functions anew, so it gets those that it calls, and no others."""

import re
from pathlib import Path

import pytest

from fallbacks.store.redis_store import PARTS, load_script

LUA = Path(__file__).parents[3] / "fallbacks/store/lua"
SCRIPTS = sorted(path.stem for path in LUA.glob("*.lua") if not path.stem.startswith("_"))


def functions(source: str) -> list[str]:
    return re.findall(r"^local function (\w+)", source, re.MULTILINE)


FUNCTIONS = {name for part in PARTS for name in functions((LUA / f"_{part}.lua").read_text())}


def defined(script: str) -> list[str]:
    return functions(load_script(script)[0])


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_has_each_function_that_it_names_once_and_before_it(script: str) -> None:
    source = load_script(script)[0]
    for name in FUNCTIONS & set(re.findall(r"\w+", source)):
        first = re.search(rf"\b{name}\b", source)
        assert first
        assert source[: first.start()].endswith("local function "), name
        assert defined(script).count(name) == 1


def test_a_script_is_without_what_it_does_not_call() -> None:
    assert "count_all" not in defined("renew")
    assert "settle" not in defined("accept")


def test_every_function_is_used_by_a_script() -> None:
    assert {name for script in SCRIPTS for name in defined(script)} >= FUNCTIONS
