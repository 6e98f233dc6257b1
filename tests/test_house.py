"""What must hold of how the files import each other."""

import asyncio
from itertools import pairwise

from tests.house import House, one_ticket

HOUSE = House.at()


def test_no_file_imports_itself_however_long_the_way_round() -> None:
    assert HOUSE.cycles == []


def test_one_file_runs_an_agent() -> None:
    assert HOUSE.run_loops == ["worker.work.run_loop"]


def test_a_chain_is_made_of_imports() -> None:
    chain = HOUSE.longest_chain
    assert all(after in HOUSE.imports[before] for before, after in pairwise(chain))


def test_a_ticket_on_its_way_is_seen_in_every_package() -> None:
    visits = asyncio.run(one_ticket())
    assert {file.partition(".")[0] for file in visits.files} == {"tasks", "fallbacks", "worker"}
    assert visits.changes(1) <= visits.changes(2) <= visits.changes(3) < len(visits.files)
