"""The short form of the campaign on the move to history; `make chaos` has two thousand tickets."""

from pathlib import Path

import pytest

from tests.chaos.moving import Moving
from tests.services.valkey import ValkeyServer


@pytest.mark.timeout(300)
def test_killed_at_any_point_of_the_move_each_ticket_is_in_one_place_and_known(tmp_path: Path) -> None:
    with ValkeyServer(tmp_path / "store") as store:
        history = f"sqlite://{tmp_path}/history.sqlite"
        found = Moving(tmp_path, store, history, {"store": store}, tickets=150, pause_seconds=0.2).run()
    assert found.wrong == []
    assert found.kills.keys() == {"mover", "store"}
