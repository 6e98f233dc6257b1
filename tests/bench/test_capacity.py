"""The arithmetic of docker/SCALING.md."""

from dataclasses import replace

import pytest

from tests.bench.capacity import Constants, Instance, filled, limits

C = Constants(
    store_cpu=700,
    broker_cpu=300,
    live_bytes=12_000,
    store_net=30_000,
    broker_net=5_000,
    log_bytes=17_000,
)


def test_a_core_gives_its_busy_share_to_tickets() -> None:
    found = limits(C, Instance(), apart=False, days_here=30)
    assert found["one core"] * 1000e-6 == pytest.approx(0.7 * 86_400)


def test_a_broker_of_its_own_takes_its_part_of_core_and_network_and_no_memory() -> None:
    together, apart = (limits(C, Instance(), apart=apart, days_here=30) for apart in (False, True))
    assert apart["one core"] / together["one core"] == pytest.approx(1000 / 700)
    assert apart["network"] / together["network"] == pytest.approx(35 / 30)
    assert apart["memory"] == together["memory"]


def test_memory_holds_what_comes_while_a_ticket_lives_there() -> None:
    short, long = (limits(C, Instance(), apart=True, days_here=days)["memory"] for days in (7, 28))
    assert short == pytest.approx(4 * long)
    assert short * 7 * 12_000 == pytest.approx(0.7 * 16e9)
    assert limits(C, Instance(gigabytes=32), apart=True, days_here=7)["memory"] == pytest.approx(2 * short)


def test_lighter_tickets_write_more_of_them() -> None:
    light = replace(C, log_bytes=8_500)
    name = "disk (append-only file)"
    found = [limits(one, Instance(), apart=True, days_here=7)[name] for one in (C, light)]
    assert found[1] == pytest.approx(2 * found[0])


def test_what_was_measured_is_put_into_its_place_of_the_page() -> None:
    page = "a\n<!-- one -->\nold\nolder\n<!-- end -->\nb\n<!-- two -->\nkept\n<!-- end -->\n"
    assert filled(page, {"one": "new \\1"}) == page.replace("old\nolder", "new \\1")
    with pytest.raises(ValueError, match="0 places for three"):
        filled(page, {"three": ""})
