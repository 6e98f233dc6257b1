"""One worker in each window has another process take a round of learning, and people hear what came of it."""

import logging
import sys
from collections.abc import Sequence

import pytest

from fallbacks.delivery.alerts import AlertDesk, Escalation
from fallbacks.ledger.limits.control import Control
from fallbacks.store import keys
from tests.fakes.memory_store import MemoryStore
from tests.fallbacks.conftest import play
from tests.fallbacks.scene import Scene, scene
from worker.service import retraining
from worker.service.retraining import COMMAND, Retraining

__all__ = ["play"]


def prints(happened: str) -> Sequence[str]:
    return (sys.executable, "-c", f'print(\'{{"happened": "{happened}", "words": "0002-ab is {happened}"}}\')')


def learning(s: Scene, *command: str, hours: float = 1.0) -> Retraining:
    return Retraining(s.store, AlertDesk(s.store, (), 60.0), hours, "redis://127.0.0.1:1/0", command)


@scene
async def test_one_takes_the_turn_and_says_what_works_now(s: Scene) -> None:
    assert await learning(s, *prints("promoted")).take_turn() == "promoted"
    assert await learning(s, *prints("promoted")).take_turn() == ""
    (change,) = await Control(s.store).log()
    assert (change.who, change.words) == ("learning", "0002-ab is promoted")
    raised = await s.store.fields(keys.alert(Escalation.MODEL_CHANGED.value))
    if not isinstance(s.store, MemoryStore):  # which raises no alert
        assert "0002-ab is promoted" in raised.values()
    assert (await s.store.fields(keys.METERS))["learning_rounds|happened=promoted"] == "1"


@scene
async def test_a_round_that_changes_nothing_or_fails_alarms_nobody(s: Scene) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retraining, "log", logging.getLogger("unheard"))
        patch.setattr(retraining, "LOOKED_AFTER_SECONDS", 0.05)
        assert await learning(s, *prints("nothing")).take_turn() == "nothing"
        for command in (("-c", "raise SystemExit('no scikit-learn')"), ("-c", "import time; time.sleep(60)")):
            patch.setattr(retraining, "MOST_SECONDS", 0.1 if "time" in command[1] else 600.0)
            await s.store.put(keys.METERS, {"learning_rounds|happened=failed": None})
            failing = learning(s, sys.executable, *command)
            patch.setattr(keys, "RETRAIN_TURN", f"{keys.RETRAIN_TURN}-{command[1][:6]}")  # another window
            assert await failing.take_turn() == "failed"
            assert (await s.store.fields(keys.METERS))["learning_rounds|happened=failed"] == "1"
    assert await Control(s.store).log() == []
    assert await s.store.fields(keys.alert(Escalation.MODEL_CHANGED.value)) == {}


@scene
async def test_nothing_learns_by_itself_where_nobody_asked_for_it(s: Scene) -> None:
    await learning(s, *COMMAND, hours=0.0).run_forever()
    assert await s.store.fields(keys.METERS) == {}
