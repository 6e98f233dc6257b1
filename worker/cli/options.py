"""Options that many commands share, and the values they are read into."""

import getpass
import re
from typing import Annotated

import typer

from fallbacks.access.names import refuse_system_name

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Person = Annotated[str | None, typer.Option("--as", metavar="NAME", help="Who acts; default: your user name here.")]
BasedOn = Annotated[
    int | None, typer.Option("--version", metavar="N", help="Act only if the item still has this version.")
]
PromptChoice = Annotated[
    str | None,
    typer.Option("--prompt", metavar="V", help="Another prompt: a version of `deskhand prompts`, or a text file."),
]
TicketId = Annotated[str, typer.Argument(metavar="ID", help="The ticket.")]

LONGEST_NAME = 64
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def person_named(name: str | None) -> str:
    """Who acts. Raises `ValueError` where nobody can be named, or the name is the agent's."""
    if name is None:
        try:
            name = getpass.getuser()
        except (KeyError, OSError):
            raise ValueError("this account has no name here: say who acts with --as NAME") from None
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise ValueError(f"--as wants a name of 1 to {LONGEST_NAME} printable characters")
    refuse_system_name(name)
    return name


def operator_name() -> str:
    """The user of this account, for the operator log; an account without a name still works."""
    try:
        return person_named(None)
    except ValueError:
        return "(no name)"


def seconds_of(duration: str) -> float:
    """`90`, `90s`, `15m`, `2h` or `1d` as seconds. Raises `ValueError`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", duration.strip().lower())
    seconds = float(match[1]) * _SECONDS[match[2] or "s"] if match else 0.0
    if not seconds:
        raise ValueError(f"{duration!r} is not a duration: write 90s, 15m, 2h or 1d")
    return seconds


def listed(text: str | None) -> list[str]:
    """`A,B` as its parts."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]
