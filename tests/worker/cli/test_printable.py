"""No stored text can move the cursor, colour, reorder or hide anything on a terminal."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from worker.cli.output import Cell, Report
from worker.cli.printable import one_line, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "<U+001B>[31mred"),
        ("\x1b]0;title\x07", "<U+001B>]0;title<U+0007>"),
        ("\x9b2J", "<U+009B>2J"),
        ("safe\rforged", "safe<U+000D>forged"),
        ("invoice\u202efdp.exe", "invoice<U+202E>fdp.exe"),
        ("\u2066a\u2069", "<U+2066>a<U+2069>"),
        ("zero\u200bwidth", "zero<U+200B>width"),
        ("tag\U000e0041", "tag<U+E0041>"),
        ("half\ud800", "half<U+D800>"),
        ("two\nlines\tof text\r\n", "two\nlines\tof text\n"),
        ("a\u200cb \U0001f469\u200d\U0001f692", "a\u200cb \U0001f469\u200d\U0001f692"),
    ],
)
def test_what_could_act_on_the_terminal_is_spelled_out(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_nothing_printable_holds_a_control_character(text: str) -> None:
    assert all(char in "\n\t" or char.isprintable() or not ord(char) < 160 for char in printable(text))
    assert "\n" not in one_line(text)


def test_one_line_is_cut_where_asked() -> None:
    assert one_line("a\nb   c", 4) == "a b…"


def test_markup_and_emoji_codes_in_a_table_are_text() -> None:
    table = Report(("[bold]name[/bold]",))
    table.add(Cell("[red]x[/red] :smile: [/]", "bold"))
    out = io.StringIO()
    Console(file=out, width=80).print(table.table())
    assert "[red]x[/red] :smile: [/]" in out.getvalue()
