"""The short form of `python -m tests.chaos --conversations`."""

from pathlib import Path

import pytest

from tests.chaos.conversing import Conversing


@pytest.mark.long
@pytest.mark.timeout(600)
def test_conversations_over_killed_workers_lose_and_double_nothing(tmp_path: Path) -> None:
    result = Conversing(tmp_path, count=8, seed=5, workers=1, local=False).run()
    assert result.held, result.summary()
    assert result.kills == 2
