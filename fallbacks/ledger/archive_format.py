"""What stands in an archive file: gzip members of JSON lines, one line a ticket, each beginning with its id."""

import json
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from gzip import compress

MAGIC = b"\x1f\x8b\x08"
"""How a gzip member begins (RFC 1952, 2.3.1)."""

CHUNK = 65_536

START = '{"id": '
"""How each line begins; the id follows."""


@dataclass(frozen=True, slots=True)
class ArchivedTicket:
    """One ticket as the ledger held it: fields of its row, stored events oldest first, its effect ledger."""

    id: str
    row: dict[str, str]
    journal: tuple[str, ...]
    effects: dict[str, str]


@dataclass(frozen=True, slots=True)
class Member:
    """A whole gzip member. at, end: where it stands in what was read."""

    at: int
    end: int
    text: bytes

    @property
    def ids(self) -> Iterator[str]:
        """Of its tickets, in order."""
        decode, start = json.JSONDecoder().raw_decode, START.encode()
        for line in self.text.splitlines():
            if line.startswith(start):
                yield str(decode(line.decode(), len(START))[0])

    def ticket(self, ticket_id: str) -> ArchivedTicket | None:
        """The last line of a ticket, if it has one."""
        start = _line_start(ticket_id).encode()
        lines = [line for line in self.text.splitlines() if line.startswith(start)]
        if not lines:
            return None
        raw = json.loads(lines[-1])
        return ArchivedTicket(raw["id"], raw["row"], tuple(raw["journal"]), raw["effects"])


def packed(tickets: list[ArchivedTicket]) -> bytes:
    """A member of these tickets."""
    return compress("".join(map(_line, tickets)).encode())


def members(data: bytes) -> Iterator[Member]:
    """All whole members. What a crash left torn is stepped over: its tickets were written again."""
    at = data.find(MAGIC)
    while at >= 0:
        member = member_at(data, at)
        if member:
            yield member
        at = data.find(MAGIC, member.end if member else at + 1)


def member_at(data: bytes, at: int) -> Member | None:
    """The member that begins here; None where it is torn."""
    inflate, parts, end = zlib.decompressobj(wbits=31), list[bytes](), at
    try:
        while end < len(data) and not inflate.eof:
            parts.append(inflate.decompress(data[end : end + CHUNK]))
            end += CHUNK
    except zlib.error:
        return None
    return Member(at, min(end, len(data)) - len(inflate.unused_data), b"".join(parts)) if inflate.eof else None


def _line(ticket: ArchivedTicket) -> str:
    rest = {name: value for name, value in asdict(ticket).items() if name != "id"}
    return _line_start(ticket.id) + json.dumps(rest, ensure_ascii=False)[1:] + "\n"


def _line_start(ticket_id: str) -> str:
    return f"{START}{json.dumps(ticket_id, ensure_ascii=False)}, "
