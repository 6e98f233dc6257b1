"""Tools by description: an OpenAPI operation and an MCP server, which hang, send garbage, too much, or an attack."""

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from fallbacks.delivery.outcomes import OutcomeWriter
from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.states import State
from fallbacks.ledger.views import Views
from tasks.reasons import Reason
from tasks.run.approval import Ask
from tasks.run.limits import Limits
from tasks.run.tool import Tool, ToolContext
from tasks.run.tool_calls import ToolResult, attempt
from tasks.ticket import Requester, Ticket
from tests.fakes.desk import TRIAGE, submission
from tests.fakes.executors import executor
from tests.fakes.memory_store import MemoryStore
from tests.fakes.scripted_model import ScriptedModel, reply, tool_use
from tests.services import mcp_stdio
from tests.services.http_sink import Answer, HttpSink
from tests.services.mcp_http import INJECTED, McpHttp
from worker.config.errors import SettingsError, ToolsFileError
from worker.config.settings import load_settings
from worker.config.yaml_tools import load_tools
from worker.models.tier import Tier
from worker.tools import toolbox
from worker.tools.http_operation import HttpOperation
from worker.tools.mcp.client import digest, session, tools_of
from worker.tools.mcp.transports import Limits as McpLimits
from worker.tools.mcp.transports import over_http

ABOUT = "Look up the state of one order of the customer."
TICKET = Ticket(id="t1", source="test", subject="", body="Where is 1234?", requester=Requester(id="c/../x"))
NUMBER = {"number": "1234"}
NUMBERED = {"$ref": "#/components/schemas/Number"}
A_HEADER = {"name": "X-Url", "in": "header", "required": True}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {
        "/customers/{customer}/orders/{number}": {
            "parameters": [{"name": "customer", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {
                "operationId": "getOrder",
                "parameters": [
                    {"name": "number", "in": "path", "required": True, "schema": NUMBERED},
                    {"name": "detail", "in": "query", "schema": {"type": "string", "enum": ["short", "long"]}},
                ],
            },
        },
        "/refunds": {
            "post": {
                "operationId": "draftRefund",
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refund"}}}},
            }
        },
        "/files": {"get": {"operationId": "getFile", "parameters": [A_HEADER]}},
    },
    "components": {
        "schemas": {
            "Number": {"type": "string", "pattern": "^[0-9]{4,12}$", "description": "The order's number."},
            "Refund": {
                "type": "object",
                "required": ["order", "cents", "customer"],
                "properties": {
                    "order": NUMBERED,
                    "cents": {"type": "integer", "minimum": 1, "maximum": 10_000},
                    "customer": {"type": "string"},
                },
            },
        }
    },
}


@pytest.fixture(scope="module")
def mcp() -> Iterator[McpHttp]:
    with McpHttp() as server:
        yield server


@pytest.fixture
def described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A tool of a tools file with what is given."""

    def made(name: str = "order_state", **given: Any) -> Tool:
        (tmp_path / "orders.yaml").write_text(yaml.safe_dump(DOCUMENT))
        file = tmp_path / "tools.yaml"
        file.write_text(yaml.safe_dump({"tools": {name: {"about": ABOUT, **given}}}))
        monkeypatch.setenv("DESKHAND_TOOLS_FILE", str(file))
        monkeypatch.setenv("DESKHAND_TOOLS", name)
        definition = toolbox.found(name, load_settings())
        assert definition.make_clients is not None
        return definition.bind(definition.make_clients(None))

    return made


def order(url: str, **more: Any) -> dict[str, Any]:
    operation = {"url": url, "document": "orders.yaml", "operation": "getOrder"}
    return {"openapi": operation, "bound": {"customer": "requester.id"}, "shows": ["state", "items.name"], **more}


def called(tool: Tool, given: Mapping[str, Any], key: str = "", ticket: Ticket = TICKET) -> ToolResult:
    async def call() -> ToolResult:
        service: Any = tool.run.keywords["service"]  # type: ignore[attr-defined] # it is bound to one
        try:
            return await attempt(tool, tool.arguments.model_validate(given), ToolContext(ticket, key), None)
        finally:
            if isinstance(service, HttpOperation):
                await service.aclose()

    return asyncio.run(call())


def test_whose_record_it_is_comes_from_the_ticket_and_nothing_else_is_shown(
    described: Any, http_sink: HttpSink
) -> None:
    found = {"state": "shipped", "card": "4111", "items": [{"name": "a", "cost": 1}, {"name": "b"}]}
    http_sink.answer = Answer(200, json.dumps(found).encode())
    tool = described(**order(f"{http_sink.url}/v2"))
    result = called(tool, NUMBER | {"detail": "long"})
    assert json.loads(result.text) == {"known": True, "answer": {"state": "shipped", "items.name": ["a", "b"]}}
    (request,) = http_sink.received
    assert request.path == "/v2/customers/c%2F..%2Fx/orders/1234?detail=long"
    assert list(tool.spec().input_schema["properties"]) == ["number", "detail"]
    for wrong in ({"customer": "c-2"}, {"url": "http://elsewhere"}, {"number": "../12"}, {"detail": "all"}):
        with pytest.raises(ValidationError):
            tool.arguments.model_validate(NUMBER | wrong)
    nobody = called(tool, NUMBER, ticket=TICKET.model_copy(update={"requester": None}))
    assert json.loads(nobody.text) == {"known": False, "note": "the ticket has no requester.id"}
    tool = described(**order(http_sink.url))
    assert "cannot be a part of an address" in called(
        tool, NUMBER, ticket=TICKET.model_copy(update={"requester": Requester(id="..")})
    ).text  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "outcome", "said"),
    [
        (Answer(302, headers={"Location": "http://169.254.169.254/"}), "error", "redirect, which is not followed"),
        (Answer(200, b"<html>"), "error", "is not JSON"),
        (Answer(200, b'"' + b"x" * 10_000_000 + b'"'), "error", "larger than 65,536 bytes"),
        (Answer(200, delay_seconds=3), "timeout", "did not answer within 0.3 s"),
        (Answer(500), "error", "answered 500"),
        (Answer(404), "ok", '"known":false'),
    ],
    ids=["redirect", "garbage", "10 MB", "hang", "500", "404"],
)
def test_a_service_that_misbehaves_is_contained_and_said(
    described: Any, http_sink: HttpSink, answer: Answer, outcome: str, said: str
) -> None:
    http_sink.answer = answer
    result = called(described(**order(http_sink.url, timeout_seconds=0.3 if outcome == "timeout" else 20)), NUMBER)
    assert (result.outcome, said in result.text) == (outcome, True), result.text
    assert len(http_sink.received) <= 1


def test_an_effect_sends_its_key_and_a_secret_stays_in_the_environment(
    described: Any, http_sink: HttpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = {"url": http_sink.url, "document": "orders.yaml", "operation": "draftRefund", "auth": {"secret": "PAY"}}
    given = {"openapi": operation, "bound": {"customer": "requester.id"}, "shows": ["id"], "effect": "keyed"}
    with pytest.raises(SettingsError, match=r"the tool draft_refund: PAY is not set"):
        described("draft_refund", **given)
    monkeypatch.setenv("PAY", "s3cret")
    tool = described("draft_refund", **given, approval="always")
    assert tool.approval is Ask.ALWAYS
    called(tool, {"order": "1234", "cents": 5}, key="t1:1:a")
    (request,) = http_sink.received
    assert (request.headers["idempotency-key"], request.headers["authorization"]) == ("t1:1:a", "Bearer s3cret")
    assert request.json() == {"order": "1234", "cents": 5, "customer": "c/../x"}


OF_ORDERS = {"url": "http://h", "document": "orders.yaml"}
FAULTS: dict[str, dict[str, Any]] = {
    "x: has no operation 'gone'; it has draftRefund, getFile, getOrder": {"openapi": OF_ORDERS | {"operation": "gone"}},
    "x: the parameter X-Url goes into the header": {"openapi": OF_ORDERS | {"operation": "getFile"}},
    "x.openapi.url: must be a URL": {"openapi": OF_ORDERS | {"url": "file:///etc/passwd", "operation": "getOrder"}},
    "x: bound names 'whose'": {"openapi": OF_ORDERS | {"operation": "getOrder"}, "bound": {"whose": "requester.id"}},
    "x.bound.customer: must be one of": {
        "openapi": OF_ORDERS | {"operation": "getOrder"},
        "bound": {"customer": "model"},
    },
    "x.mcp.digest: ": {"mcp": {"url": "http://h", "tool": "t", "digest": "any"}},
    "x: needs openapi or mcp": {},
    "x: needs an effect": {"openapi": OF_ORDERS | {"operation": "getOrder"}, "approval": "always"},
}


@pytest.mark.parametrize(("fault", "given"), FAULTS.items())
def test_a_description_that_cannot_be_used_says_so_in_one_line(
    tmp_path: Path, fault: str, given: dict[str, Any]
) -> None:
    (tmp_path / "orders.yaml").write_text(yaml.safe_dump(DOCUMENT))
    file = tmp_path / "tools.yaml"
    file.write_text(yaml.safe_dump({"tools": {"x": {"about": ABOUT, "shows": ["a"], **given}}}))
    with pytest.raises(ToolsFileError) as refused:
        load_tools(file)
    assert fault in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_description_takes_the_name_of_no_installed_tool(described: Any) -> None:
    with pytest.raises(SettingsError, match="describes 'lookup_customer', which is installed"):
        described("lookup_customer", **order("http://127.0.0.1:9"))


def on_stdio(mode: str, **more: Any) -> dict[str, Any]:
    tool = {
        "name": "order_state",
        "description": mcp_stdio.TOOL["description"],
        "schema": mcp_stdio.TOOL["inputSchema"],
    }
    server = {"command": [sys.executable, str(Path(mcp_stdio.__file__)), mode], "tool": "order_state"}
    server |= {"digest": digest(tool), "arguments": mcp_stdio.TOOL["inputSchema"]}
    return {"mcp": server, "bound": {"customer": "requester.id"}, "timeout_seconds": 20, **more}


SAID = {
    "drifted": ("error", "has changed 'order_state' since it was allowed"),
    "garbage": ("error", "sent what is no message"),
    "huge": ("error", "larger than 65,536 bytes"),
    "hang": ("timeout", "did not answer within"),
    "refuses": ("error", "the MCP server says: "),
}


@pytest.mark.parametrize("mode", SAID)
def test_a_program_that_misbehaves_is_contained_and_said(described: Any, mode: str) -> None:
    outcome, said = SAID[mode]
    result = called(described(**on_stdio(mode, timeout_seconds=3 if mode == "hang" else 20)), NUMBER)
    assert (result.outcome, said in result.text) == (outcome, True), result.text


def test_a_program_is_given_the_key_and_nothing_of_our_environment(described: Any) -> None:
    result = json.loads(called(described(**on_stdio("ok", effect="keyed")), NUMBER, key="t1:1:a").text)
    shown = json.loads(result["answer"]["text"])
    assert shown == {"state": "shipped", "number": "1234", "customer": "c/../x", "key": "t1:1:a"}


def over_the_wire(mcp: McpHttp, **more: Any) -> dict[str, Any]:
    async def offered() -> dict[str, Any]:
        limits = McpLimits(65_536, 20)
        async with session(over_http(mcp.url, {}, limits), limits) as client:
            (tool,) = await tools_of(client)
        return tool

    tool = asyncio.run(offered())
    server = {"url": mcp.url, "tool": "order_state", "digest": tool["digest"], "arguments": tool["schema"]}
    return {"mcp": server, "bound": {"customer": "requester.id"}, "timeout_seconds": 20, **more}


@pytest.mark.parametrize("mode", ["ok", "huge", "hang", "refuses", "drifted"])
def test_a_server_over_http_is_held_to_the_same(described: Any, mcp: McpHttp, mode: str) -> None:
    given = over_the_wire(mcp, effect="keyed", timeout_seconds=2 if mode == "hang" else 20)
    given["mcp"] |= {"digest": "0" * 64} if mode == "drifted" else {}
    mcp.mode = mode
    outcome, said = SAID.get(mode, ("ok", "shipped"))
    mcp.keys.clear()
    result = called(described(**given), NUMBER, key="t1:1:b")
    assert (result.outcome, said in result.text) == (outcome, True), result.text
    if mode != "hang":  # of which nobody knows how far it came
        assert mcp.keys == ([] if mode == "drifted" else ["t1:1:b"])


def test_garbage_over_http_is_said(described: Any, mcp: McpHttp, http_sink: HttpSink) -> None:
    given = over_the_wire(mcp)
    given["mcp"] |= {"url": http_sink.url}
    http_sink.answer = Answer(200, b"<html>")
    result = called(described(**given), NUMBER)
    assert (result.outcome, "the MCP server" in result.text) == ("error", True), result.text


def test_an_attack_in_an_answer_goes_to_people(described: Any, mcp: McpHttp) -> None:
    mcp.mode = "injected"
    tool = described(**over_the_wire(mcp))
    looks = reply(tool_use("a", tool.name, NUMBER))
    model = ScriptedModel([looks, reply(tool_use("z", "submit_decision", submission()))])

    async def work() -> tuple[State, Reason | None]:
        store = MemoryStore()
        ledger = Ledger(store, TRIAGE)
        await ledger.accept(replace_body(TICKET, "You charged my card twice."), Limits())
        worker = executor(
            tiers=(Tier(model, 0.5),),
            process=TRIAGE,
            owner="w1",
            outcomes=OutcomeWriter(wanted=False),
            ledger=ledger,
            tools={tool.name: tool},
        )
        await worker.triage("t1")
        view = await Views(store).ticket("t1")
        return view.state, view.reason

    assert asyncio.run(work()) == (State.HANDED_OFF, Reason.INJECTION_SUSPECTED)
    assert INJECTED in str(model.asked[1].messages)


def replace_body(ticket: Ticket, body: str) -> Ticket:
    return ticket.model_copy(update={"body": body})
