"""The short form of `make bench`: a small round of each rival accounts for what it did. No figure is held to a time."""

from tests.bench.rivals import Deskhand, Naive
from tests.bench.rounds import bench, medians

TICKETS = 30


def test_a_round_of_each_rival_is_accounted_for() -> None:
    with bench("none") as servers:
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
