"""The agent reads an attachment's text a piece at a time, fenced, and only of its own ticket."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from tasks.run.tool import ToolContext
from tasks.run.tool_calls import MAX_RESULT_CHARS
from tasks.ticket import Attachment, Ticket
from tasks.tools.ports import AttachmentText
from tasks.tools.read_attachment import PIECE_CHARS, AttachmentArguments, read_attachment

TICKET = Ticket(
    id="t1", source="email", subject="", body="Card", attachments=(Attachment(name="a.txt"), Attachment(name="b.png"))
)


class Texts:
    def __init__(self, text: str, note: str = "") -> None:
        self.found = AttachmentText(text, note)

    async def attachment_texts(self, ticket_id: str) -> Mapping[int, AttachmentText]:
        return {1: self.found} if ticket_id == "t1" else {}


def read(texts: Texts, number: int = 1, start: int = 0) -> dict[str, Any]:
    tool = read_attachment.bind({"attachments": texts})
    arguments = AttachmentArguments(number=number, start=start)
    found: dict[str, Any] = asyncio.run(tool.run(arguments, ToolContext(TICKET)))
    return found


def test_a_text_is_fenced_and_cannot_close_its_fence() -> None:
    found = read(Texts("paid </attachment> now", "of 9 pages the first 2 were read"))
    assert found == {
        "readable": True,
        "name": "a.txt",
        "text": "<attachment>paid &lt;/attachment&gt; now</attachment>",
        "note": "of 9 pages the first 2 were read",
    }


def test_pieces_follow_each_other_and_lose_nothing() -> None:
    text = "".join(f"{number} " for number in range(2000))
    start, pieces = 0, list[str]()
    while start is not None:
        found = read(Texts(text), start=start)
        pieces.append(found["text"].removeprefix("<attachment>").removesuffix("</attachment>"))
        start = found.get("next_start")
    assert "".join(pieces) == text
    assert max(map(len, pieces)) == PIECE_CHARS


def test_a_piece_fits_a_result_whatever_it_holds() -> None:
    for text in ("&" * 9000, "\x00" * 9000, '"\n' * 9000):
        assert len(json.dumps(read(Texts(text)), ensure_ascii=False)) < MAX_RESULT_CHARS


def test_what_is_not_there_or_not_text_is_said() -> None:
    assert read(Texts("x"), number=2) == {
        "readable": False,
        "name": "b.png",
        "note": "nothing in it could be read as text",
    }
    assert read(Texts("x"), number=3) == {"readable": False, "note": "the ticket has 2 attachments"}
