"""The short form of `python -m tests.chaos --approvals`."""

from pathlib import Path

import pytest

from tests.chaos.approving import Approving


@pytest.mark.timeout(600)
def test_each_approved_effect_happens_once_and_none_unasked(tmp_path: Path) -> None:
    result = Approving(tmp_path, count=2, seed=5, workers=1, store_kills=1).run()
    assert result.held, result.summary()
    assert result.worker_kills == result.store_kills >= 1
