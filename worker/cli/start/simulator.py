"""`deskhand simulator`: a model's API on 127.0.0.1, in each make's form, with every fault, for drills without a key."""

from contextlib import suppress
from enum import StrEnum
from typing import Annotated

import typer

from worker.cli.options import Json
from worker.cli.output import dump, say


class SimulatedMake(StrEnum):
    ANTHROPIC = "anthropic"
    OPENAI = "openai"
    SYSTEMONE = "systemone"
    BEDROCK = "bedrock"
    VERTEX = "vertex"


_ROOTS = {SimulatedMake.OPENAI: "/v1", SimulatedMake.VERTEX: "/v1"}
"""What a make's SDK wants behind a server's URL, where it wants more."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    from worker.simulator.faults import IN_WORDS

    faults = "\n\n".join(f"{kind}: {names}." for kind, names in IN_WORDS)
    app.command(rich_help_panel="Start", epilog=f"Faults.\n\n{faults}")(simulator)


def simulator(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    latency: Annotated[str, typer.Option(help="none, typical, or seconds.")] = "none",
    fault: Annotated[list[str] | None, typer.Option(help="On from the start, e.g. 429; may be repeated.")] = None,
    times: Annotated[int | None, typer.Option(min=0, help="How often each fault hits; default: always.")] = None,
    seed: Annotated[int, typer.Option(help="Makes latency, ids and shares repeatable.")] = 0,
    make: Annotated[SimulatedMake, typer.Option(help="Whose URL to print; it answers in every form.")] = (
        SimulatedMake.ANTHROPIC
    ),
    json: Json = False,
) -> None:
    """Serve a simulated model until Ctrl-C: point ANTHROPIC_BASE_URL, or MAKE:ID@URL, at the URL it prints first."""
    import asyncio

    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(port, latency, fault or [], times, seed, make, json=json))


async def _serve(
    port: int, latency: str, names: list[str], times: int | None, seed: int, make: SimulatedMake, *, json: bool
) -> None:
    import asyncio

    from worker.simulator.faults import fault_named
    from worker.simulator.server import Simulator

    try:
        faults = [fault_named(name, times) for name in names]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    async with Simulator(*faults, latency=latency, seed=seed, port=port) as served:
        url = served.url + _ROOTS.get(make, "")
        dump({"url": url}) if json else say(url)
        await asyncio.Event().wait()
