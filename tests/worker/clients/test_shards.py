from collections import Counter
from itertools import permutations

from worker.clients.shards import ranked, shard_of

THREE = ["http://desk-1", "http://desk-2", "http://desk-3"]
IDS = [f"t-{number}" for number in range(6000)]


def test_the_order_of_the_shards_says_nothing() -> None:
    assert len({shard_of("t-1", list(order)) for order in permutations(THREE)}) == 1


def test_tickets_are_spread_evenly() -> None:
    shares = Counter(shard_of(ticket_id, THREE) for ticket_id in IDS)
    assert set(shares) == set(THREE)
    assert all(abs(count - 2000) < 200 for count in shares.values()), shares  # 5.5 standard deviations


def test_one_more_shard_takes_its_part_and_moves_nothing_else() -> None:
    four = [*THREE, "http://desk-4"]
    moved = [ticket_id for ticket_id in IDS if shard_of(ticket_id, four) != shard_of(ticket_id, THREE)]
    assert abs(len(moved) - 1500) < 170
    assert {shard_of(ticket_id, four) for ticket_id in moved} == {"http://desk-4"}
    assert all(ranked(ticket_id, four)[1] == shard_of(ticket_id, THREE) for ticket_id in moved)


def test_the_rule_is_the_one_that_other_languages_are_told() -> None:
    """By `printf 'http://desk-1\\nt-1' | sha256sum` and so on; another answer would lose tickets from sight."""
    assert ranked("t-1", THREE) == ["http://desk-1", "http://desk-3", "http://desk-2"]
