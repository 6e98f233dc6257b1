"""`deskhand keys`: who may use `/v1`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli.context import run
from worker.cli.options import Json, listed, operator_name, seconds_of
from worker.cli.output import Report, complain, dump, say, show

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from fallbacks.access.api_keys import ApiKey
    from worker.wiring import Parts

keys = typer.Typer(help="API keys: create, list, rotate, revoke.", no_args_is_help=True, rich_markup_mode=None)

KeyId = Annotated[str, typer.Argument(metavar="ID", help="The key's id: the part after dk_.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(keys, name="keys", rich_help_panel="Operations")


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose key it is; people's actions through it carry this name.")],
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", "-s", help="tickets:write, tickets:read, inbox, operate or erase; again for more."),
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", help="It sends, reads and cancels tickets of this source alone.")
    ] = None,
    teams: Annotated[
        str | None,
        typer.Option("--teams", metavar="A,B", help="With scope inbox alone: it works their items."),
    ] = None,
    json: Json = False,
) -> None:
    """Make a key and print it, this once. Without --scope it may write and read tickets."""
    from fallbacks.access.api_keys import ApiKeys, Scope
    from fallbacks.inbox.reach import read_groups

    try:
        scopes = [Scope(wanted) for wanted in scope or (Scope.WRITE, Scope.READ)]
    except ValueError:
        raise ValueError(f"--scope is one of {', '.join(Scope)}") from None
    key, text = run(
        lambda parts: _logged(
            parts,
            "created",
            ApiKeys(parts.store, tiers=parts.settings.tiers).create(
                name, scopes, source, read_groups(parts.process, listed(teams))
            ),
        )
    )
    _print_new(key, text, json=json)


@keys.command(name="list")
def list_keys(json: Json = False) -> None:
    """Every key ever made. Secrets are not kept and cannot be shown."""
    from fallbacks.access.api_keys import ApiKeys

    found = run(lambda parts: ApiKeys(parts.store).every())
    documents = [_document(key, used) for key, used in found]
    if json:
        dump(documents)
        return
    table = Report(("id", "name", "scopes", "source", "created", "last used", "state"))
    for document in documents:
        scopes = " ".join(document["scopes"])
        table.add(document["id"], document["name"], scopes, *_rest(document))
    show(table)


@keys.command()
def rotate(
    key_id: KeyId,
    grace: Annotated[str, typer.Option(help="How long the old secret stays good: 90s, 15m, 2h, 1d or 0.")] = "1d",
    json: Json = False,
) -> None:
    """Give a key a new secret under the same id, and print it, this once."""
    from fallbacks.access.api_keys import ApiKeys

    seconds = 0.0 if grace == "0" else seconds_of(grace)
    key, text = run(lambda parts: _logged(parts, "rotated", ApiKeys(parts.store).rotate(key_id, seconds)))
    _print_new(key, text, json=json)


@keys.command()
def revoke(key_id: KeyId, json: Json = False) -> None:
    """Refuse a key from the next request on."""
    key, _ = run(lambda parts: _logged(parts, "revoked", _revoked(parts, key_id)))
    dump(_document(key, None)) if json else say(f"{key.id} ({key.name}) is revoked")


async def _revoked(parts: "Parts", key_id: str) -> "tuple[ApiKey, str]":
    from fallbacks.access.api_keys import ApiKeys

    return await ApiKeys(parts.store).revoke(key_id), ""


async def _logged(parts: "Parts", how: str, work: "Awaitable[tuple[ApiKey, str]]") -> "tuple[ApiKey, str]":
    from fallbacks.ledger.limits.control import KEY, Control

    key, text = await work
    await Control(parts.store).changed(operator_name(), f"{KEY}{key.name}", f"{how} ({key.id})")
    return key, text


def _print_new(key: "ApiKey", text: str, *, json: bool) -> None:
    if json:
        dump({**_document(key, None), "key": text})
        return
    say(text)
    complain("Keep it now: only its digest is stored.")


def _rest(document: dict[str, Any]) -> tuple[Any, ...]:
    state = "revoked" if document["revoked_at"] else "in force"
    return (document["source"] or "any", document["created_at"], document["last_used_at"], state)


def _document(key: "ApiKey", used_ms: int | None) -> dict[str, Any]:
    from worker.cli.documents import moment

    return {
        "id": key.id,
        "name": key.name,
        "scopes": list(key.scopes),
        "source": key.source,
        "teams": list(key.teams),
        "created_at": moment(key.created),
        "last_used_at": moment(used_ms),
        "revoked_at": moment(key.revoked),
        "former_secret_until": moment(key.former_until),
    }
