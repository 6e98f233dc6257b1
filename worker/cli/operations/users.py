"""`deskhand users`: who may sign in to the console. Passwords come from a prompt or stdin, never from arguments."""

import sys
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from fallbacks.access.roles import Role
from worker.cli.context import run
from worker.cli.operations import rotation
from worker.cli.options import Json, operator_name
from worker.cli.output import Report, dump, say, show

if TYPE_CHECKING:
    from fallbacks.access.users import User, Users
    from worker.wiring import Parts

T = TypeVar("T")

Name = Annotated[str, typer.Argument(metavar="NAME", help="As they sign in: lower case, no spaces.")]
RoleOption = Annotated[Role, typer.Option(help="reviewer works items; operator also groups; admin also people.")]

people = typer.Typer(help="Who may sign in to the console.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(people, name="users", rich_help_panel="Operations")
    rotation.register(people)


@people.command()
def create(name: Name, role: RoleOption = Role.REVIEWER, json: Json = False) -> None:
    """Add a person. Asks for the password on a terminal, else reads it as one line from stdin."""
    password = _password()
    _print(
        run(lambda parts: _logged(parts, name, f"created as {role.value}", _users(parts).create(name, password, role))),
        "added",
        json=json,
    )


@people.command()
def password(name: Name, json: Json = False) -> None:
    """Give a person a new password; all their sessions end."""
    secret = _password()
    _print(
        run(lambda parts: _logged(parts, name, "new password", _users(parts).change(name, password=secret))),
        "new password",
        json=json,
    )


@people.command()
def role(name: Name, role: Annotated[Role, typer.Argument(help="The new role.")], json: Json = False) -> None:
    """Give a person another role; it holds from their next click."""
    _print(
        run(lambda parts: _logged(parts, name, f"role {role.value}", _users(parts).change(name, role=role))),
        "changed",
        json=json,
    )


@people.command()
def teams(
    name: Name,
    team: Annotated[list[str] | None, typer.Argument(help="The teams; none: all of them.")] = None,
    json: Json = False,
) -> None:
    """Say for which teams a person works: they see and act on the items of these, and of none."""
    _print(run(lambda parts: _set_teams(parts, name, team or [])), "changed", json=json)


async def _set_teams(parts: "Parts", name: str, team: list[str]) -> "User":
    from fallbacks.inbox.reach import read_groups

    found = read_groups(parts.process, team)
    said = f"teams {', '.join(found) or 'all'}"
    return await _logged(parts, name, said, _users(parts).change(name, teams=found))


@people.command()
def remove(name: Name) -> None:
    """Take a person off the list; their sessions end at once. What they did stays in the timelines."""
    run(lambda parts: _logged(parts, name, "removed", _users(parts).remove(name)))
    say(f"{name}: removed")


@people.command(name="list")
def everybody(json: Json = False) -> None:
    """Everybody who may sign in."""
    found = run(lambda parts: _users(parts).everybody())
    if json:
        dump([_document(user) for user in found])
        return
    if not found:
        say("nobody yet: add the first with `deskhand users create NAME --role admin`")
        return
    report = Report(("name", "role", "teams", "created"))
    for user in found:
        teams = " ".join(team.partition(":")[2] for team in user.teams) or "all"
        report.add(user.name, user.role.value, teams, _document(user)["created_at"])
    show(report)


async def _logged(parts: "Parts", name: str, how: str, work: Awaitable[T]) -> T:
    from fallbacks.ledger.limits.control import USER, Control

    done = await work
    await Control(parts.store).changed(operator_name(), f"{USER}{name}", how)
    return done


def _users(parts: "Parts") -> "Users":
    from fallbacks.access.users import Users

    return Users(parts.store, tiers=parts.settings.tiers)


def _password() -> str:
    if sys.stdin.isatty():
        secret: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return secret
    return sys.stdin.readline().rstrip("\r\n")


def _print(user: "User", what: str, *, json: bool) -> None:
    if json:
        dump(_document(user))
    else:
        say(f"{user.name}, {user.role.value}: {what}")


def _document(user: "User") -> dict[str, Any]:
    from worker.cli.documents import moment

    return {
        "name": user.name,
        "role": user.role.value,
        "teams": list(user.teams),
        "created_at": moment(user.created_ms),
    }
