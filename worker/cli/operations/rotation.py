"""`deskhand users rotation | away | back | hand-over`: whose turn it is, and who is away."""

from typing import TYPE_CHECKING, Annotated

import typer

from worker.cli.context import run
from worker.cli.faults import CommandFailed
from worker.cli.options import Json, operator_name
from worker.cli.output import Report, dump, say, show

if TYPE_CHECKING:
    from fallbacks.access.users import User
    from fallbacks.inbox.rotation import Turn
    from worker.wiring import Parts

Name = Annotated[str, typer.Argument(metavar="NAME", help="As they sign in.")]


def register(people: typer.Typer) -> None:
    """Add the commands to `deskhand users`."""
    people.command()(rotation)
    people.command()(away)
    people.command()(back)
    people.command("hand-over")(give_over)


def rotation(
    team: Annotated[list[str] | None, typer.Argument(help="The teams; none: show how it stands.")] = None,
    off: Annotated[bool, typer.Option("--off", help="Switch it off for these teams.")] = False,
    json: Json = False,
) -> None:
    """Let what comes in for a team go to its people in turn: to who has least and is not away."""
    if team:
        run(lambda parts: _switch(parts, team, on=not off))
    groups, people, turns = run(_standing)
    if json:
        dump({"teams": sorted(groups), "people": [_document(user, turns[user.name]) for user in people]})
        return
    say(f"in rotation: {', '.join(sorted(group.partition(':')[2] for group in groups)) or 'no team'}")
    if people:
        report = Report(("name", "teams", "has", "away until"))
        for user in people:
            document = _document(user, turns[user.name])
            report.add(user.name, " ".join(user.teams), document["has"], document["away_until"] or "")
        show(report)


def away(name: Name, until: Annotated[str, typer.Argument(metavar="DAY", help="The day they are back.")]) -> None:
    """Say that a person is away until that day begins, UTC: a rotation gives them nothing new."""
    run(lambda parts: _leave(parts, name, until))
    say(f"{name}: away until {until}")


def back(name: Name) -> None:
    """Say that a person is here again."""
    run(lambda parts: _leave(parts, name, None))
    say(f"{name}: here again")


def give_over(name: Name) -> None:
    """Give up what is a person's by name: to whoever's turn it is in its team, else to nobody."""
    went, left = run(lambda parts: _given_over(parts, name))
    say(f"{went} handed over" + (f"; {left} left: held by somebody, or more than go at once" if left else ""))


async def _switch(parts: "Parts", team: list[str], *, on: bool) -> None:
    from fallbacks.inbox.reach import read_groups
    from fallbacks.inbox.rotation import Rotation

    await Rotation(parts.store).switch(operator_name(), read_groups(parts.process, team), on=on)


async def _standing(parts: "Parts") -> "tuple[set[str], list[User], dict[str, Turn]]":
    from fallbacks.access.users import Users
    from fallbacks.inbox.rotation import Rotation

    found = Rotation(parts.store)
    people = [user for user in await Users(parts.store).everybody() if user.teams]
    return await found.groups(), people, await found.turns(people)


async def _leave(parts: "Parts", name: str, until: str | None) -> None:
    from fallbacks.inbox.rotation import Rotation, read_day

    await _known(parts, name)
    until_ms = None if until is None else read_day(until, await parts.store.now_ms())
    await Rotation(parts.store).leave(operator_name(), name, until_ms)


async def _given_over(parts: "Parts", name: str) -> tuple[int, int]:
    from fallbacks.inbox.rotation import hand_over

    await _known(parts, name)
    return await hand_over(parts.inbox, operator_name(), name)


async def _known(parts: "Parts", name: str) -> None:
    from fallbacks.access.users import Users

    if await Users(parts.store).get(name) is None:
        raise CommandFailed(f"there is no user {name!r}")


def _document(user: "User", turn: "Turn") -> dict[str, object]:
    from worker.cli.documents import moment

    teams = [group.partition(":")[2] for group in user.teams]
    return {"name": user.name, "teams": teams, "has": turn.has, "away_until": moment(turn.away_until_ms)}
