"""`deskhand tools`: what there is, trying one, whether one is fit, their page, and a new one's beginning."""

import importlib
import sys
from collections.abc import Iterator
from json import dumps
from pathlib import Path

import pytest

from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.move import ByPerson, In, Move, make_move
from fallbacks.ledger.states import State
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.limits import Limits
from tasks.ticket import Requester, Ticket
from tests.fakes.asking import ask
from tests.services import mcp_stdio
from tests.services.installed_package import package
from tests.worker.cli.conftest import Deskhand
from tests.worker.cli.direct_ledger import DirectLedger, claimed
from worker.config.yaml_tools import load_tools

UNFIT = '''
import asyncio
from pydantic import BaseModel
from tasks.run.approval import Ask, over
from tasks.run.tool import Effect, ToolContext, tool

class Open(BaseModel):
    text: str
    amount: float = 0

@tool(timeout_seconds=90)
async def swallows(arguments: Open, context: ToolContext, *, client: object) -> dict:
    """Swallows everything."""
    try:
        await client.ask()
    except asyncio.CancelledError:
        return {}

@tool(effect=Effect.KEYED, clients=lambda _: {"receiver": iter(range(9))}, approval=over("amount", 50))
async def pays_twice(arguments: Open, context: ToolContext, *, receiver: object) -> dict:
    """Pays whatever it is asked, each time anew."""
    return {"payment": next(receiver)}

@tool(effect=Effect.KEYED, clients=lambda _: {"receiver": {}}, approval=Ask.UNTIL_EARNED, ends=True)
async def pays_once(arguments: Open, context: ToolContext, *, receiver: dict) -> dict:
    """Pays once for each key, however often it is asked."""
    return receiver.setdefault(context.idempotency_key, {"payment": len(receiver)})
'''


@pytest.fixture
def unfit(tmp_path: Path) -> Iterator[Path]:
    points = {"deskhand.tools": {name: f"unfit_tools:{name}" for name in ("swallows", "pays_twice", "pays_once")}}
    with package(tmp_path / "unfit", "unfit_tools", UNFIT, points | {"deskhand.processes": {}}):
        yield tmp_path / "unfit" / "unfit_tools.py"


def test_a_new_tool_passes_the_check_and_its_own_test_as_it_is(
    deskhand: Deskhand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "lookup_order"
    written = deskhand("tools", "new", "lookup_order", "--folder", str(folder))
    assert written.code == 0, written.err
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "lookup_order.py",
        "pyproject.toml",
        "test_lookup_order.py",
    ]
    checked = deskhand("tools", "check", str(folder / "lookup_order.py"), "--json")
    assert checked.code == 0, checked.err
    assert {found["check"]: found["verdict"] for found in checked.json()} == dict.fromkeys(
        ("docs", "schema", "bad arguments", "limits", "timeout"), "ok"
    )
    monkeypatch.syspath_prepend(str(folder))
    own = vars(importlib.import_module("test_lookup_order"))
    tests = [value for name, value in own.items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()
    assert deskhand("tools", "new", "Lookup-Order", "--folder", str(tmp_path / "x")).code == 1
    assert "is there already" in deskhand("tools", "new", "lookup_order", "--folder", str(folder)).err


def test_a_tool_that_is_not_fit_fails_by_what_is_wrong_with_it(deskhand: Deskhand, unfit: Path) -> None:
    checked = deskhand("tools", "check", "swallows", "pays_twice", "pays_once", "--effects", "--json")
    assert checked.code == 1
    found = {(each["tool"], each["check"]): (each["verdict"], each["found"]) for each in checked.json()}
    assert {check for (tool, check), (verdict, _) in found.items() if tool == "swallows" and verdict == "fail"} == {
        "docs",
        "schema",
        "bad arguments",
        "limits",
        "timeout",
    }
    assert "ends in ok" in found["swallows", "timeout"][1]
    assert found["pays_twice", "idempotency"][0] == "fail"
    assert found["pays_once", "idempotency"][0] == "ok"


def test_ours_are_fit(deskhand: Deskhand) -> None:
    checked = deskhand("tools", "check")
    assert checked.code == 0, checked.err + checked.out


def test_a_tool_is_tried_as_the_agent_would_call_it(deskhand: Deskhand, ledger: DirectLedger, unfit: Path) -> None:
    ticket = Ticket(id="t1", source="test", subject="", body="Where is my card?", requester=Requester(id="cust-001"))
    ledger.do(lambda opened: opened.accept(ticket, Limits()))
    known = deskhand("tools", "try", "lookup_customer", "--ticket", "t1", "--json").json()
    assert (known["outcome"], "known" in known["result"]) == ("ok", True)
    refused = deskhand(
        "tools", "try", "lookup_customer", "--ticket", "t1", "--arguments", '{"id": "cust-002"}', "--json"
    )
    assert (refused.code, refused.json()["outcome"]) == (1, "invalid")
    effect = ("tools", "try", "pays_once", "--ticket", "t1", "--arguments", '{"text": "x"}')
    assert "changes something outside: --effects lets it" in deskhand(*effect).err
    assert deskhand(*effect, "--effects").out == 'ok: {"payment":0}\n'


def test_what_an_mcp_server_offers_can_be_pasted_into_a_tools_file(deskhand: Deskhand, tmp_path: Path) -> None:
    said = deskhand("tools", "offered", sys.executable, mcp_stdio.__file__, "ok")
    file = tmp_path / "tools.yaml"
    file.write_text(said.out.replace("Look up an order.", "Look up an order of the customer."))
    (tool,) = load_tools(file).values()
    assert tool.tool.mcp is not None
    assert tool.tool.mcp.tool == "order_state"
    assert list(tool.arguments.model_fields) == ["number", "customer"]
    assert "say which" in deskhand("tools", "offered").err


@pytest.mark.usefixtures("unfit")
def test_the_list_and_the_page_show_what_came_of_each(deskhand: Deskhand, ledger: DirectLedger, tmp_path: Path) -> None:
    called = [
        ev.ToolFinished(1, "a", "search_knowledge_base", {}, '"12345678"', "ok", 0.2),
        ev.ToolFinished(1, "b", "search_knowledge_base", {}, "{}", "timeout", 2.0),
    ]

    async def parked(opened: Ledger) -> None:
        lease = await claimed(opened, "t1")
        await opened.park(lease, called, Reason.DAILY_BUDGET, await opened.store.now_ms())

    async def judged(opened: Ledger) -> None:
        call = {"tool": "pays_once", "process": "triage", "version": "v1", "agreed": True, "at": 1}
        move = Move(State.QUEUED, (State.SUGGESTED,), ByPerson(), (), due=In(0), judged=dumps(call))
        await ask(opened, await claimed(opened, "t2"))
        await make_move(opened.store, "t2", move)

    ledger.do(parked)
    ledger.do(judged)
    listed = {each["name"]: each for each in deskhand("tools", "list", "--json").json()["tools"]}
    used = listed["search_knowledge_base"]["used"]
    assert (used["calls"], used["failures"], used["tokens"]) == (2, {"timeout": 1}, 4)
    assert 0.1 <= used["p50"] <= 0.25 < used["p95"] <= 2.5
    assert (listed["search_knowledge_base"]["allowed"], listed["notify_team"]["allowed"]) == (True, False)
    assert (listed["pays_once"]["approval"], listed["pays_once"]["ends"]) == ("until_earned", True)
    earned = "not earned yet, 1 of 1 approved as they were, e-value 1 of 20, v1"
    assert listed["pays_once"]["earned"] == earned
    assert (listed["pays_twice"]["approval"], listed["pays_twice"]["earned"]) == ("over amount 50", None)
    assert "until_earned" in deskhand("tools", "list").out
    page = tmp_path / "tools.html"
    assert deskhand("tools", "docs", "--output", str(page)).code == 0
    assert "2 calls, 1 timeout" in page.read_text()
    assert f"until_earned: {earned}; approving one decides the ticket" in page.read_text()
