import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.bench import flame
from tests.bench.plot import HEIGHT, WIDTH, chart, png

SVG = "{http://www.w3.org/2000/svg}"


def drawn(svg: str, name: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(svg).iter(SVG + name))  # noqa: S314 - our own text


def points(svg: str) -> list[tuple[float, float]]:
    """The markers of the first series without the two of its legend, in pixels."""
    return [(float(circle.attrib["cx"]), float(circle.attrib["cy"])) for circle in drawn(svg, "circle")][2:]


def test_every_point_is_drawn_in_its_place() -> None:
    found = points(chart("t", "x", "y", {"one": [(0, 0), (50, 5), (100, 10)]}))

    (x0, y0), (x1, y1), (x2, y2) = found
    assert x1 - x0 == x2 - x1 > 0
    assert y0 - y1 == y1 - y2 > 0
    assert all(0 < x < WIDTH and 0 < y < HEIGHT for x, y in found)


def test_a_tenfold_is_the_same_way_everywhere_on_a_logarithmic_axis() -> None:
    found = points(chart("t", "x", "y", {"one": [(1000, 1), (10_000, 1), (100_000, 1)]}, log_x=True))

    (first, _), (second, _), (third, _) = found
    assert second - first == pytest.approx(third - second, abs=0.1)


def test_words_are_text_and_ticks_are_round() -> None:
    svg = chart("a < b", "x", "y", {"one & only": [(0, 0), (97_000, 0.9)]})

    words = [element.text for element in drawn(svg, "text")]
    assert {"a < b", "one & only", "20k", "100k", "0.2", "1"} <= set(words)


def test_one_point_alone_can_be_drawn() -> None:
    assert points(chart("t", "x", "y", {"one": [(1000, 0)]}, log_x=True))


def test_nothing_to_plot_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing to plot"):
        chart("t", "x", "y", {"one": []})


def test_a_picture_is_written(tmp_path: Path) -> None:
    png(chart("t", "x", "y", {"one": [(0, 0), (1, 1)]}), tmp_path / "new" / "one.png")

    head = (tmp_path / "new" / "one.png").read_bytes()[:24]
    assert re.match(rb"\x89PNG", head)
    assert (int.from_bytes(head[16:20]), int.from_bytes(head[20:24])) == (2 * WIDTH, 2 * HEIGHT)


def test_a_flame_graph_draws_what_is_often_on_a_stack_above_its_caller() -> None:
    stacks = [
        "main (a.py:1);work (worker/b.py:7) 600",
        "main (a.py:2);work (worker/b.py:9) 300",
        "main (a.py:3);rare (c.py) 1",
    ]
    svg = flame.drawn(flame.grown([*stacks, "other (d.py) 99"]), 10.0)
    assert [title.text for title in drawn(svg, "title")] == [
        "main (a.py): 9.01 ms", "work (worker/b.py): 9.00 ms", "other (d.py): 0.99 ms"
    ]  # fmt: skip
    whole, main, work, other = drawn(svg, "rect")
    assert float(main.attrib["y"]) > float(work.attrib["y"])
    assert float(other.attrib["x"]) >= float(main.attrib["width"]) - 0.2
    assert main.attrib["fill"] != work.attrib["fill"]
    assert whole.attrib["fill"] == "#fff"
