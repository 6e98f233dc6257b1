"""Tickets whose text is the worst known input of some pass over it, at the greatest size a ticket may have."""

import json
import random
from typing import Any

from tasks.ticket import MAX_BODY_CHARS
from tests.test_hostile_text import HTML, LETTERS, MAIL, MASKED, QUOTED, SCREENED, Make, marks

OPENING = "My card has not arrived yet, it was ordered two weeks ago. "
MOST_BYTES = 250_000
"""Of a text in a message of 256 KiB."""

OTHERS: list[Make] = [*LETTERS, *SCREENED, *MASKED, *QUOTED, *HTML, *MAIL]


def hostile_tickets(rng: random.Random, number: int, others: int = 5) -> list[dict[str, Any]]:
    """Two of combining marks, and some of the other kinds. number: of this lot, for its tickets' ids."""
    makers = [marks, marks, *rng.sample(OTHERS, others)]
    return [
        {"id": f"hostile-{number}-{place}", "source": "chaos", "subject": "", "body": _filled(make)}
        for place, make in enumerate(makers)
    ]


def _filled(make: Make) -> str:
    """As much as every door takes: what JSON writes as six bytes is too much before it is too long."""
    text = (OPENING + make(MAX_BODY_CHARS))[:MAX_BODY_CHARS]
    size = len(json.dumps(text, ensure_ascii=False).encode())
    return text if size <= MOST_BYTES else text[: MAX_BODY_CHARS * MOST_BYTES // size]
