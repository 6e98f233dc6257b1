"""The short form of `make chaos`, and its canary."""

from pathlib import Path

import pytest

from tests.chaos.campaign import Campaign
from tests.chaos.canary import lost_messages
from tests.chaos.provider import BLIPS
from tests.chaos.scene import KINDS, STAGES

KINDS_HERE = [kind for kind in STAGES["redis"].kinds if kind not in BLIPS or kind == "blip html"]


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_short_campaign_loses_doubles_overspends_and_flushes_nothing(tmp_path: Path) -> None:
    result = Campaign(tmp_path, tickets=150, workers=2, seed=20261122, rounds=1, kinds=KINDS_HERE).run()
    assert result.held, result.summary()
    assert result.faults["kill"] >= 3
    assert {"half-open", "slow network", "broker kill", "memory full", "failover by name"} <= set(result.faults)


def test_every_fault_strikes_on_a_stage() -> None:
    assert {kind for stage in STAGES.values() for kind in stage.kinds} == set(KINDS)


@pytest.mark.timeout(300)
def test_the_stock_transport_loses_where_ours_does_not(tmp_path: Path) -> None:
    assert lost_messages(tmp_path / "stock", 1, stock=True) > 0, "the harness cannot see loss"
    assert lost_messages(tmp_path / "ours", 1, stock=False) == 0
