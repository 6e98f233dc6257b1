"""Tools and processes of a package, found by entry points, with settings of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.services.installed_package import package
from worker.config import installed, own_settings
from worker.config.errors import NotUsableError, SettingsError
from worker.config.settings import load_settings
from worker.ops.doctor import shown_settings

SHOP = '''
from pydantic import BaseModel, SecretStr
from tasks.run.tool import ToolContext, tool


class OrderSettings(BaseModel):
    url: str
    token: SecretStr = SecretStr("")
    shelves: tuple[str, ...] = ()
    retries: int = 2


class NoArguments(BaseModel):
    """Nothing."""


@tool(settings=OrderSettings, clients=lambda settings: {"orders": settings})
async def lookup_order(arguments: NoArguments, context: ToolContext, *, orders: OrderSettings) -> dict:
    """Look up the order."""
    return {"asked": orders.url}


@tool()
async def lookup(arguments: NoArguments, context: ToolContext) -> dict:
    """Look something up."""
    return {}


not_a_tool = 1
'''

TOOLS = {name: f"shop_of_the_test:{name}" for name in ("lookup_order", "lookup", "not_a_tool")}
POINTS = {
    "deskhand.tools": {
        **TOOLS,
        "other_name": TOOLS["lookup"],
        "search_knowledge_base": TOOLS["lookup"],
        "gone": "no_module:x",
    },
    "deskhand.processes": {"broken": "shop_of_the_test:not_a_tool"},
}


@pytest.fixture(scope="module", autouse=True)
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with package(tmp_path_factory.mktemp("shop"), "shop_of_the_test", SHOP, POINTS):
        yield


def test_a_tool_of_a_package_is_found_beside_ours() -> None:
    assert {"lookup_order", "notify_team"} <= set(installed.tool_names())
    assert installed.tool("lookup_order").clients == ("orders",)
    assert (installed.origin_of("lookup_order"), installed.origin_of("notify_team")) == (
        "shop_of_the_test 1.2",
        "deskhand",
    )


@pytest.mark.parametrize(
    ("name", "fault"),
    {
        "gone": "'gone' of shop_of_the_test 1.2 cannot be loaded: ModuleNotFoundError: No module named 'no_module'",
        "missing": "there is no tool 'missing'; there are: .*lookup_order",
        "not_a_tool": "is not a ToolDefinition",
        "other_name": "is the tool 'lookup'",
        "search_knowledge_base": "has the name of one that is built in",
    }.items(),
)
def test_what_cannot_be_used_says_why_and_who_brings_it(name: str, fault: str) -> None:
    with pytest.raises(NotUsableError, match=fault):
        installed.tool(name)


def test_two_packages_with_one_name_are_refused(tmp_path: Path) -> None:
    points = {"deskhand.tools": {"lookup_order": "shop_of_others:x"}}
    with (
        package(tmp_path, "shop_of_others", "", points),
        pytest.raises(NotUsableError, match="two packages bring 'lookup_order'"),
    ):
        installed.tool("lookup_order")


def test_a_process_that_is_none_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, fault in (("broken", "is not a ProcessDefinition"), ("missing", "there is no process 'missing'")):
        monkeypatch.setenv("DESKHAND_PROCESS", name)
        with pytest.raises(SettingsError, match=fault):
            load_settings()


def set_all(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    monkeypatch.setenv("DESKHAND_TOOLS", "lookup_order")
    for name, value in values.items():
        monkeypatch.setenv(f"DESKHAND_TOOL_{name}", value)


def test_its_settings_are_typed_and_the_doctor_shows_them_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, LOOKUP_ORDER_URL="http://h", LOOKUP_ORDER_TOKEN="s3cret", LOOKUP_ORDER_SHELVES="a, b")
    settings = load_settings()
    (own,) = own_settings.brought_by(installed.tool("lookup_order")).values()
    assert (own.url, own.token, own.shelves, own.retries) == ("http://h", SecretStr("s3cret"), ("a", "b"), 2)
    shown = {name: value for name, value in shown_settings(settings).items() if name.startswith("DESKHAND_TOOL_")}
    assert shown == {
        "DESKHAND_TOOL_LOOKUP_ORDER_URL": "http://h",
        "DESKHAND_TOOL_LOOKUP_ORDER_TOKEN": "********",
        "DESKHAND_TOOL_LOOKUP_ORDER_SHELVES": "a, b",
        "DESKHAND_TOOL_LOOKUP_ORDER_RETRIES": "2",
    }


LOOKUP_ORDER_URL = {"LOOKUP_ORDER_URL": "http://h"}
NO_NUMBER = "Input should be a valid integer, unable to parse string as an integer"
FAULTS = {
    "LOOKUP_ORDER_URL: must be set, for the tool lookup_order": {},
    f"LOOKUP_ORDER_RETRIES: {NO_NUMBER}": LOOKUP_ORDER_URL | {"LOOKUP_ORDER_RETRIES": "many"},
    "LOOKUP_ODER_URL: no such setting of the tool lookup; it has none": LOOKUP_ORDER_URL | {"LOOKUP_ODER_URL": "x"},
    "STOCK_URL: there is no tool of that name; there are: .*": LOOKUP_ORDER_URL | {"STOCK_URL": "x"},
}


@pytest.mark.parametrize(("fault", "values"), FAULTS.items())
def test_a_setting_that_cannot_be_used_stops_the_start_with_one_line(
    monkeypatch: pytest.MonkeyPatch, fault: str, values: dict[str, str]
) -> None:
    set_all(monkeypatch, **values)
    with pytest.raises(SettingsError, match=f"^DESKHAND_TOOL_{fault}$"):
        load_settings()


def test_a_tool_that_nobody_allowed_needs_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESKHAND_TOOLS", "lookup")
    monkeypatch.setenv("DESKHAND_TOOL_LOOKUP_ORDER_RETRIES", "1")
    assert load_settings().tools == ("lookup",)
