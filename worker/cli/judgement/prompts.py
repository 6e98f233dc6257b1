"""`deskhand prompts`: the prompts that ever worked here, and the one that another command is given."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli.context import run
from worker.cli.options import Json
from worker.cli.output import Cell, Report, complain, dump, say, show
from worker.cli.printable import printable

if TYPE_CHECKING:
    from fallbacks.ledger.prompts import KeptPrompt
    from tasks.run.prompt import Prompt
    from worker.wiring import Parts


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Judgement")(prompts)


def prompts(
    version: Annotated[str | None, typer.Argument(metavar="[V]", help="Print this version's text.")] = None,
    json: Json = False,
) -> None:
    """List the prompts that ever worked here, by version, with the time of their first use.

    Each worker keeps the text of its prompt in the ledger when it starts. `replay` and `regress` take a version, or its
    first four digits and more, as --prompt.
    """
    if version is not None:
        found = run(lambda parts: _one(parts, version))
        dump(found) if json else say(printable(found["rules"]))
        return
    document = run(_all)
    if json:
        dump(document)
        return
    table = Report(("version", "first used", "characters", ""), numeric=frozenset({"characters"}))
    for each in document["prompts"]:
        in_force = Cell("in force" if each["in_force"] else "", "green")
        table.add(each["version"], each["first_used"], each["characters"], in_force)
    if table.rows:
        show(table)
    if not any(each["in_force"] for each in document["prompts"]):
        say(f"in force: {document['in_force']}; no worker has started with it yet")


async def chosen(parts: "Parts", given: str) -> "Prompt":
    """What --prompt names: a version kept in the ledger, or a file. Raises `ValueError` or `PromptFileError`."""
    from fallbacks.ledger.prompts import find_prompt
    from worker.config.prompt_file import load_prompt

    return (await find_prompt(parts.store, given)).prompt if is_version(given) else load_prompt(Path(given))


def is_version(given: str) -> bool:
    """Whether it is (the start of) a version; a file whose name looks like one is named as ./NAME."""
    from fallbacks.ledger.prompts import VERSION_LIKE

    return VERSION_LIKE.fullmatch(given) is not None


def complain_of_unread(models: Iterable[str]) -> None:
    """The local model reads no prompt."""
    from worker.config.settings import LOCAL

    if all(name == LOCAL for name in models):
        complain("the local model reads no prompt: try it with --model, or a remote model among the tiers")


async def _one(parts: "Parts", version: str) -> dict[str, Any]:
    from fallbacks.ledger.prompts import find_prompt

    found = await find_prompt(parts.store, version)
    return _document(found, parts.prompt.version) | {"rules": found.prompt.rules}


async def _all(parts: "Parts") -> dict[str, Any]:
    from fallbacks.ledger.prompts import kept_prompts

    force = parts.prompt.version
    return {"in_force": force, "prompts": [_document(kept, force) for kept in await kept_prompts(parts.store)]}


def _document(kept: "KeptPrompt", force: str) -> dict[str, Any]:
    from worker.cli.documents import moment

    return {
        "version": kept.prompt.version,
        "first_used": moment(kept.first_ms),
        "characters": len(kept.prompt.rules),
        "in_force": kept.prompt.version == force,
    }
