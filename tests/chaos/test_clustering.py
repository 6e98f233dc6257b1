"""The campaign on a cluster in short: a master and workers are killed, slots move; nothing is lost or doubled."""

import asyncio
from pathlib import Path

from tests.chaos.clustering import Clustering


def test_nothing_is_lost_while_a_cluster_changes(tmp_path: Path) -> None:
    found = asyncio.run(Clustering(tmp_path, 60).run())
    assert found.held, found.words
