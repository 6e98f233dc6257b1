"""Every key that scripts and Python touch is in the list of keys, kept as the list says."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from types import FunctionType

import pytest

from fallbacks.store import keys
from fallbacks.store.keys import KEYS
from fallbacks.store.redis_store import RedisStore
from tests.fallbacks.conftest import Play
from tests.fallbacks.ledger.busy_ledger import fill
from tests.fallbacks.scene import Scene

ROOT = Path(__file__).parents[3]
SCRIPTS = sorted((ROOT / "fallbacks/store/lua").glob("*.lua"))
PATTERNS = [key.pattern for key in KEYS]

NAMED = re.compile(r"\bP \.\. '(?P<name>[^']*)'(?P<more> \.\. )?")
GIVEN = re.compile(r"\bP \.\. (?:ARGV\[[\di]\]|index)")
"""Keys that the caller names, out of the list: an index to page through, a hash to keep a field of, a window."""

TAKES_A_KEY = {"_inbox", "audit_index", "audit_page", "copy_in", "copy_out", "family", "forget", "inbox_counts"} | {
    "inbox_page",
    "keep",
    "log",
    "relist",
    "since",
    "tick",
}
READS = r"store\.(?:fields|put|ranked|sizes|listed|length|tick)\((?:\[|\*)*f?['\"]"


SOURCES = [path.read_text() for room in ("fallbacks", "worker") for path in sorted((ROOT / room).rglob("*.py"))]


def names() -> dict[str, str]:
    """What Python calls each key: a constant, or a function of what tells one of a family from the others."""
    found: dict[str, str] = {}
    for name, value in vars(keys).items():
        pattern = value("*") if isinstance(value, FunctionType) and value.__name__ == "<lambda>" else value
        if isinstance(pattern, str):
            found[pattern] = name
    return found


def code(script: Path) -> str:
    return "\n".join(line.partition("--")[0] for line in script.read_text().splitlines())


def named(script: Path) -> Iterator[str]:
    """The keys a script touches, with a `*` for what it learns at run time."""
    for found in NAMED.finditer(code(script)):
        yield found["name"] + ("*" if found["more"] else "")
    for suffix in re.findall(r"\bA \.\. '(:\w+)'", code(script)):  # A: the key of a reason's alert
        yield f"alert:*{suffix}"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_every_key_of_a_script_is_in_the_list(script: Path) -> None:
    for key in named(script):
        assert [pattern for pattern in PATTERNS if fnmatchcase(key, pattern)], key
    built = len(re.findall(r"\bP \.\. ", code(script)))
    given = len(GIVEN.findall(code(script)))
    assert built == len(NAMED.findall(code(script))) + given, "a key is built in a way that this test cannot read"
    assert not given or script.stem in TAKES_A_KEY


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_key_of_the_list_is_used(pattern: str) -> None:
    in_scripts = any(fnmatchcase(key, pattern) for script in SCRIPTS for key in named(script))
    assert in_scripts or any(re.search(rf"\bkeys\.{names()[pattern]}\b", source) for source in SOURCES)


def test_python_names_no_key_by_itself() -> None:
    assert [found for source in SOURCES for found in re.findall(READS, source)] == []


def test_a_busy_store_keeps_every_key_as_the_list_says(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        assert isinstance(s.store, RedisStore)
        await fill(s)
        async for name in s.store.redis.scan_iter(f"{s.store.prefix}*"):
            own, kept = name.removeprefix(s.store.prefix), await s.store.redis.type(name)
            assert {key.type for key in KEYS if fnmatchcase(own, key.pattern)} >= {kept}, own

    play_for_real(story)
