"""Kinds of mail structure that people and programs send, and how each is read.

`python -m tests.worker.connectors.mail.kinds` prints the table that is kept in KINDS.md beside this file.
"""

import sys
from collections.abc import Iterator

from tests.worker.connectors.mail.kind import Kind
from tests.worker.connectors.mail.kinds_of_appearance import APPEARANCE
from tests.worker.connectors.mail.kinds_of_bodies import BODIES
from tests.worker.connectors.mail.kinds_of_characters import CHARACTERS
from tests.worker.connectors.mail.kinds_of_damage import DAMAGE
from tests.worker.connectors.mail.kinds_of_headers import BOUNDS, HEADERS
from tests.worker.connectors.mail.kinds_of_machines import MACHINES
from tests.worker.connectors.mail.kinds_of_words import WORDS

KINDS: tuple[Kind, ...] = (*BODIES, *CHARACTERS, *HEADERS, *BOUNDS, *WORDS, *MACHINES, *DAMAGE, *APPEARANCE)
LETTERS = {
    "A": "which part is the body",
    "B": "the writer's own words stay",
    "C": "characters",
    "D": "header fields",
    "E": "bounds and damage",
    "F": "what machines send",
    "G": "earlier mails and signatures",
    "H": "HTML as it is seen",
    "I": "whose mail, and which",
}


def table() -> Iterator[str]:
    """In Markdown."""
    yield "# Kinds of mail, and how each is read\n"
    yield "Made by `python -m tests.worker.connectors.mail.kinds`, from the cases that `test_kinds.py` holds.\n"
    for letter, about in LETTERS.items():
        yield f"## {letter}: {about}\n"
        yield "| structure | becomes | by |\n|---|---|---|"
        yield from (f"| {kind.name} | {kind.outcome} | {kind.source} |" for kind in KINDS if kind.letter == letter)
        yield ""


if __name__ == "__main__":
    sys.stdout.write("\n".join(table()))
