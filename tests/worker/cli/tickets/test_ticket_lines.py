"""Files of tickets as they come: CSV of any program, packed, with byte-order marks; a bad row is one fault."""

import gzip
from io import BytesIO

import pytest

from worker.cli.tickets.ticket_lines import Bad, Good, read_tickets

HEADER = "id,source,subject,body,requester.email,Order No\n"
ROW = 'a,shop,Card,"My card, it is ""lost"".\nPlease help.",ann@customer.example,77\n'


def read(raw: bytes) -> list[Good | Bad]:
    return list(read_tickets(BytesIO(raw)))


def only(raw: bytes) -> Good:
    (one,) = read(raw)
    assert isinstance(one, Good), one
    return one


@pytest.mark.parametrize(
    "raw",
    [
        (HEADER + ROW).encode(),
        (HEADER + ROW).encode("utf-8-sig"),
        (HEADER + ROW).encode("utf-16"),
        (HEADER + ROW).replace("\n", "\r\n").encode(),
        gzip.compress((HEADER + ROW).encode()),
        (HEADER + ROW).rstrip("\n").encode(),
        (HEADER.upper() + "\n" + ROW).encode(),
        ("sep=,\n" + HEADER + ROW).encode(),
        ("\n\n" + HEADER + ROW + ",,,,,\n").encode(),
    ],
    ids=[
        "plain",
        "byte-order mark",
        "UTF-16",
        "CRLF",
        "gzip",
        "no last line end",
        "upper case and an empty line",
        "Excel's first line",
        "empty rows",
    ],
)
def test_a_row_is_a_ticket(raw: bytes) -> None:
    ticket = only(raw).ticket
    assert ticket.body.replace("\r\n", "\n") == 'My card, it is "lost".\nPlease help.'
    assert (ticket.id, ticket.source, ticket.subject) == ("a", "shop", "Card")
    assert ticket.requester is not None
    assert ticket.requester.email == "ann@customer.example"
    assert {name.lower(): value for name, value in ticket.metadata.items()} == {"order no": "77"}


@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_the_header_says_what_separates(separator: str) -> None:
    raw = f"subject{separator}body{separator}priority\nGr\u00fc\u00dfe{separator}Karte weg{separator}high\n"
    for codec in ("utf-8", "cp1252"):
        ticket = only(raw.encode(codec)).ticket
        assert (ticket.source, ticket.subject, ticket.priority) == ("csv", "Grüße", "high")


def test_a_bad_row_is_one_fault_with_its_line_and_loses_no_other() -> None:
    rows = [
        "a,shop,Card,lost,,\n",
        'b,shop,"two\nlines",lost,,\n',
        "c,shop,too few\n",
        "d,shop,Card,lost,,,too many\n",
        'e,shop,a 5" screen,lost,,\n',
        'f,shop,"closed"x,lost,,\n',
        ",,,,,\n",
        "g,shop,,,,\n",
        'h,shop,"never closed,lost,,\n',
        "i,shop,Card,lost,,\n",
        "no id!,shop,Card,lost,,\n",
    ]
    found = read((HEADER + "".join(rows)).encode())
    assert [one.ticket.id for one in found if isinstance(one, Good)] == ["a", "b", "e", "i"]
    assert [(one.where, one.why.partition(":")[0]) for one in found if isinstance(one, Bad)] == [
        ("line 5", "3 cells, and the header names 6 columns"),
        ("line 6", "7 cells, and the header names 6 columns"),
        ("line 8", "not CSV"),
        ("line 10", "ticket"),
        ("line 11", "a quote is opened and never closed"),
        ("line 13", "id"),
    ]


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"subject,body\ra,lost\rb,lost\r", [("line 2", "a"), ("line 3", "b")]),
        (b"\r\n\r\nsubject, body\r\na, lost,\r\n,\r\n", [("line 4", "a")]),
        (b'\n{"source": "s", "subject": "a", "body": "lost"}\n', [("line 2", "a")]),
        (b"subject,body,priority\na,lost,High\n", [("line 2", "a")]),
        (b"sep=;\n", [("the header", "names neither a subject nor a body")]),
        (b"sep=;\nid;name\n1;2\n", [("the header", "names neither a subject nor a body")]),
    ],
    ids=[
        "CR alone",
        "empty lines, blanks and cells",
        "JSON below an empty line",
        "priority in capitals",
        "no header",
        "no such column",
    ],
)
def test_what_spreadsheets_write_is_read_with_its_line(raw: bytes, found: list[tuple[str, str]]) -> None:
    assert [(one.where, one.ticket.subject if isinstance(one, Good) else one.why) for one in read(raw)] == found


def test_a_header_that_names_a_column_twice_is_refused_as_a_whole() -> None:
    assert read(b"body,body\na,b\n") == [Bad("line 1", "the column 'body' stands twice")]


def test_a_quote_that_is_never_closed_swallows_nothing_of_a_long_file() -> None:
    found = read(b'id,body\nx,"oops\n' + b"".join(b"t%d,lost\n" % number for number in range(6_000)))
    assert [type(one) for one in found[:2]] == [Bad, Good]
    assert len(found) == 6_001


def test_json_lines_may_be_packed_and_marked() -> None:
    line = '{"source": "shop", "subject": "", "body": "Grüße"}\n'
    for raw in (
        gzip.compress(line.encode()),
        line.encode("utf-8-sig"),
        line.encode("utf-16"),
        gzip.compress(line.encode("utf-16")),
    ):
        assert only(raw).ticket.body == "Grüße"


def test_what_gzip_has_lost_is_said_and_what_came_before_is_taken() -> None:
    raw = gzip.compress(b"".join(b'{"source": "s", "subject": "", "body": "%d"}\n' % number for number in range(5_000)))
    found = read(raw[: len(raw) // 2])
    assert isinstance(found[0], Good)
    assert isinstance(found[-1], Bad)
    assert found[-1].where == "the file"
