"""The short form of `make bench`: a small round of each rival accounts for what it did. No figure is held to a time."""

from pathlib import Path

import pytest

from tests.bench.by_commit import keep, kept, slower
from tests.bench.rivals import Deskhand, Naive
from tests.bench.rounds import bench, medians
from tests.bench.tickets import OPENING, SIZES, tickets

TICKETS = 30


def test_a_round_of_each_rival_is_accounted_for() -> None:
    with bench("0.1") as servers:  # so that whoever looks finds some running
        found = [servers.round(kind, TICKETS, slots=8, stamp=kind.__name__) for kind in (Naive, Deskhand)]
        calls = servers.model.call("/_sim/calls")["tickets"]
    naive, ours = found
    for one in found:
        assert one.tickets == TICKETS
        assert 0 < one.in_flight <= 2 * one.slots  # a prefetched message may wait in the queue's record, too
        assert min(one.worker_ms, one.model_ms, one.pss_mib, one.store_trips, one.store_bytes) > 0
    assert ours.store_grows > 1000 > naive.store_grows  # ours keeps a journal, plain Celery nothing
    assert set(medians(found)) == {"naive celery", "deskhand"}
    for kind in (Naive, Deskhand):
        assert [calls[f"{kind.__name__}-{n}"]["finished"] for n in range(TICKETS)] == [3] * TICKETS


@pytest.mark.parametrize("chars", SIZES)
def test_the_tickets_are_of_their_size_and_a_fifth_of_them_are_mail(chars: int) -> None:
    found = tickets(50, "stamp", chars)
    assert found == tickets(50, "stamp", chars)
    assert all(chars - 2 <= len(one["body"]) <= chars and OPENING in one["body"] for one in found)
    assert sum(one["channel"] == "email" for one in found) == 10
    assert len({one["requester"]["id"] for one in found}) > 30
    assert len({one["body"] for one in found}) == (1 if chars == SIZES[0] else 50)


def test_figures_are_kept_by_commit_and_a_slower_one_is_warned_of(tmp_path: Path) -> None:
    file = tmp_path / "by-commit.jsonl"
    for name, ratio in (("first", 1.2), ("second", 1.1), ("second", 1.0)):
        keep(name, 0.5, {"600": {"deskhand": ratio}}, file)
    assert [(one["commit"], one["ratios"]["600"]["deskhand"]) for one in kept(file)] == [
        ("first", 1.2),
        ("second", 1.0),
    ]
    assert "first second" in file.with_suffix(".svg").read_text()
    assert slower({"600": {"deskhand": 1.04}}, kept(file)[-1]["ratios"]) == []
    (warned,) = slower({"600": {"deskhand": 1.06}, "60": {"deskhand": 9.0}}, kept(file)[-1]["ratios"])
    assert "deskhand at 600 characters, 1.0 -> 1.06" in warned
