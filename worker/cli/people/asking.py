"""What the terminal's inbox asks after a key: one of a few by its digit, a label by its words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from worker.cli.output import say

if TYPE_CHECKING:
    from tasks.run.process import Choice, Process

MOST_SHOWN = 9
ENTER = ("\r", "\n")

T = TypeVar("T")


class Keys(Protocol):
    """What a terminal gives. `keyboard.py` is the real one."""

    def key(self) -> str: ...

    def pass_over(self, seconds: float) -> None: ...

    def line(self, prompt: str) -> str | None: ...


def one_of(
    keys: Keys, options: Sequence[tuple[T, str]], own: tuple[T, str] | None = None, *, first: bool = False
) -> T | None:
    """By its digit, own by 0; None for any other key, and it is said that nothing was done. first: Enter takes it."""
    by_key = {str(number): option for number, option in enumerate(options, 1)} | ({"0": own} if own else {})
    say(*(f"  {key} {said}" for key, (_, said) in by_key.items()))
    key = keys.key()
    chosen = by_key.get("1" if first and key in ENTER else key)
    if chosen:
        return chosen[0]
    say("nothing done")
    return None


def a_choice(keys: Keys, process: "Process") -> "Choice | None":
    """By words, their beginnings or initials; of several by a digit, the first by Enter. None where nothing is."""
    from fallbacks.inbox.finding import found

    typed = keys.line(f"{process.keyed_by}: ")
    if not typed:
        return None
    hits = found(process, typed)
    if not hits:
        say(f"no {process.keyed_by} is found by {typed!r}")
        return None
    if len(hits) == 1 or hits[0].name == typed:
        return hits[0]
    return one_of(keys, [(choice, f"{choice.name} ({choice.detail})") for choice in hits[:MOST_SHOWN]], first=True)


def a_group(keys: Keys, process: "Process") -> str | None:
    """To which group an item is given, `team:cards`; where there are many, by its words first. None for none."""
    from fallbacks.inbox.ownership import groups_of, owner_words

    groups = [f"{name}:{value}" for name, values in groups_of(process).items() for value in values]
    if len(groups) > MOST_SHOWN:
        typed = (keys.line("to which group: ") or "").casefold().replace("_", " ")
        groups = [to for to in groups if typed and typed in owner_words(to).casefold()]
    if not groups:
        say("there is no such group")
        return None
    return groups[0] if len(groups) == 1 else one_of(keys, [(to, owner_words(to)) for to in groups[:MOST_SHOWN]])
