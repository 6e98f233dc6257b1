"""Every script and every key has its place in a ledger over a cluster."""

from pathlib import Path

import pytest

from fallbacks.store.cluster import everywhere
from fallbacks.store.cluster.routes import KEYS_OF, SCRIPTS, WITHIN, Route, pattern_of, route_of
from fallbacks.store.keys import KEYS

LUA = Path(__file__).parents[4] / "fallbacks/store/lua"


def test_every_script_goes_somewhere() -> None:
    written = {path.stem for path in LUA.glob("*.lua") if not path.stem.startswith("_")}
    assert written == SCRIPTS.keys() | WITHIN
    everywhere_run = {name for name, route in SCRIPTS.items() if route is Route.ALL}
    assert everywhere_run - {"sweep", "take_alert"} == everywhere.SCRIPTS.keys()


def test_every_key_is_somewhere() -> None:
    assert {key.pattern for key in KEYS} == KEYS_OF.keys()


@pytest.mark.parametrize(
    ("name", "route"),
    [
        ("t:a:b", Route.TICKET),
        ("inbox:queue:review", Route.ALL),
        ("rate:search", Route.TAG),
        ("rate:key:k1", Route.HOME),
        ("control", Route.HOME),
        ("n", Route.ALL),
    ],
)
def test_a_key_is_known_by_its_name(name: str, route: Route) -> None:
    assert pattern_of(name)
    assert route_of(name) is route
