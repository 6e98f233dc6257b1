"""`deskhand tools`: what the agent may look up and do, whether that is fit, and a new one's beginning."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli.context import load, run
from worker.cli.faults import CommandFailed
from worker.cli.options import Json
from worker.cli.output import Cell, Report, complain, dump, say, show

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fallbacks.operations.tools import Card, Use
    from tasks.run.tool import Tool, ToolDefinition
    from tasks.run.tool_calls import ToolResult
    from tasks.ticket import Ticket
    from worker.tools.check import Finding
    from worker.wiring import Parts

tools = typer.Typer(help="Tools of the agent: list, try, check, begin.", no_args_is_help=True, rich_markup_mode=None)

ToolName = Annotated[str, typer.Argument(metavar="NAME", help="The tool.")]
_STYLES = {"ok": "green", "skipped": "yellow", "fail": "bold red"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(tools, name="tools", rich_help_panel="Operations")


@tools.command(name="list")
def list_tools(json: Json = False) -> None:
    """Every tool there is: what for, effect, limits, and what came of it in the last day. `*`: allowed here."""
    from dataclasses import asdict

    from worker.tools.cards import cards

    found, broken = cards(load())
    used, earned = _lately()
    if json:
        uses = {name: asdict(use) for name, use in used.items()}
        known = [{"used": uses.get(each.name), "earned": earned.get(each.name)} for each in found]
        both = [asdict(each) | more for each, more in zip(found, known, strict=True)]
        dump({"tools": both, "broken": broken})
        return
    show(_listed(found, used, earned))
    complain(*broken)


def _listed(found: "Sequence[Card]", used: "Mapping[str, Use]", earned: "Mapping[str, str]") -> Report:
    from fallbacks.operations.tools import waits_for

    numbers = ("s", "a run", "calls", "failed", "p50 s", "p95 s", "tokens")
    asked = ("approval",) if any(each.approval for each in found) else ()
    columns = ("tool", "what for", "effect", *asked, *numbers)
    table = Report(columns, numeric=frozenset(numbers), whole=frozenset({"effect"}))
    for each in found:
        mark, use = "* " if each.allowed else "  ", used.get(each.name)
        lately: tuple[object, ...] = ("", "", "", "", "")
        if use is not None:
            failed = sum(use.failures.values())
            lately = (use.calls, Cell(failed, "red" if failed else ""), _took(use.p50), _took(use.p95), use.tokens)
        waits = (waits_for(each, earned.get(each.name, "")),) if asked else ()
        limits = (f"{each.timeout_seconds:g}", each.calls_per_run)
        table.add(mark + each.name, each.title, each.effect, *waits, *limits, *lately)
    return table


def _took(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.2g}"


def _lately() -> "tuple[Mapping[str, Use], Mapping[str, str]]":
    """What came of each in the last day, and what it has earned; nothing where there is no store yet."""
    from fallbacks.errors import StoreUnreachable
    from worker.config.errors import SettingsError

    try:
        return run(_used)
    except (SettingsError, StoreUnreachable):
        complain("no store is running: what came of their calls is left out")
        return {}, {}


async def _used(parts: "Parts") -> "tuple[Mapping[str, Use], Mapping[str, str]]":
    from fallbacks.operations.tools import used

    return await used(parts.store, await parts.views.stats()), await parts.calls.progress()


@tools.command(name="try")
def try_tool(
    name: ToolName,
    ticket: Annotated[str, typer.Option(metavar="ID", help="The ticket whose agent would call it.")],
    arguments: Annotated[str, typer.Option(metavar="JSON", help="What the model would choose.")] = "{}",
    effects: Annotated[bool, typer.Option("--effects", help="Let it change something outside.")] = False,
    json: Json = False,
) -> None:
    """Call a tool as the agent would, for one ticket: same schema, same timeout, same clients. Effects are refused
    unless asked for.
    """
    import json as text

    try:
        given = text.loads(arguments)
    except ValueError as error:
        raise ValueError(f"--arguments is not JSON: {error}") from None
    result = run(lambda parts: _tried(parts, name, ticket, given, effects=effects))
    document = {"outcome": result.outcome, "result": text.loads(result.text), "characters": len(result.text)}
    dump(document) if json else say(f"{result.outcome}: {result.text}")
    if result.outcome != "ok":
        raise typer.Exit(1)


async def _tried(parts: "Parts", name: str, ticket_id: str, given: Any, *, effects: bool) -> "ToolResult":
    from worker.tools.trying import called

    view = await parts.views.ticket(ticket_id)
    if view.ticket is None:
        raise ValueError(f"{ticket_id} could not be read as a ticket")
    ticket: Ticket = view.ticket
    return await called(parts.tool(name), ticket, given, effects=effects)


@tools.command()
def check(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME|FILE.py]...", help="Which; none: those that are allowed here.")
    ] = None,
    effects: Annotated[
        bool, typer.Option("--effects", help="Also call effects for real, twice under one key.")
    ] = False,
    json: Json = False,
) -> None:
    """Whether a tool is fit: docs, schema, bad arguments refused, limits, a hang cut, an effect done once."""
    from dataclasses import asdict

    from worker.tools.loading import definitions

    settings = load()
    found: list[Finding] = []
    for definition in definitions(names or settings.allowed_tools, settings):
        found += _checked(definition, effects=effects)
    if json:
        dump([asdict(each) for each in found])
    else:
        table = Report(("tool", "check", "", "found"))
        for each in found:
            table.add(each.tool, each.check, Cell(each.verdict.value, _STYLES[each.verdict.value]), each.found)
        show(table)
    if failed := [f"{each.tool}: {each.check}" for each in found if each.verdict == "fail"]:
        raise CommandFailed(*([] if json else failed))


def _checked(definition: "ToolDefinition", *, effects: bool) -> "list[Finding]":
    from worker.tools.check import checked

    async def bound(parts: "Parts") -> "Tool":
        return parts.tool(definition.name)

    return checked(definition, run(bound) if effects and definition.effect != "none" else None)


@tools.command()
def docs(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to.")] = Path("tools.html"),
    use: Annotated[bool, typer.Option("--use/--no-use", help="With what came of them in the last day.")] = True,
) -> None:
    """Write a page for people: each tool, what the model may choose, its limits, its cost, what came of it."""
    from worker.tools.cards import cards
    from worker.tools.page import page

    found, broken = cards(load())
    output.write_text(page(found, *(_lately() if use else ({}, {}))), encoding="utf-8")
    complain(*broken)
    say(f"{output}: {len(found)} tools")


@tools.command()
def new(
    name: ToolName,
    folder: Annotated[Path | None, typer.Option(metavar="DIR", help="Where to; default: NAME, here.")] = None,
) -> None:
    """Begin a tool: a package with the tool, its test and its README. It passes `deskhand tools check` as it is."""
    from worker.tools.template import write

    written = write(name, folder or Path(name))
    say(*map(str, written), f"next: deskhand tools check {written[1]}")


@tools.command()
def offered(
    command: Annotated[
        list[str] | None, typer.Argument(metavar="[PROGRAM ARGUMENTS...]", help="An MCP server on stdin and stdout.")
    ] = None,
    url: Annotated[str | None, typer.Option(metavar="URL", help="Or one over streamable HTTP.")] = None,
) -> None:
    """What an MCP server offers, as entries for DESKHAND_TOOLS_FILE, each bound to its schema of now by a digest.

    Read each before you keep it: what a tool says of itself is read by the model, and what it does is yours.
    """
    import asyncio

    from worker.tools.mcp.offer import as_yaml, offered

    if bool(command) == bool(url):
        raise ValueError("say which: --url URL, or a program and its arguments")
    say(*as_yaml(asyncio.run(offered(url, command or ())), url, command or ()).splitlines())
