"""A promotion and a demotion are said once, with what was decided alone in between."""

from fallbacks.autonomy.proof import Rule
from fallbacks.autonomy.standing import AutonomyJudge, Key, Terms
from fallbacks.autonomy.watch import TURN_SECONDS, Turn, Watch
from fallbacks.delivery.alerts import AlertDesk, Escalation
from fallbacks.ledger.ledger import Conclusion
from fallbacks.ledger.limits.control import Control
from fallbacks.store import keys
from tasks.ticket import Priority
from tests.fakes.memory_store import MemoryStore
from tests.fallbacks.autonomy.test_standing import example, give
from tests.fallbacks.scene import DECISION, TRIAGE, Scene, scene
from worker.work.delivery_loop import report_turns

EASY = Terms(Rule(target=0.6, error=0.2, alarm_from=20.0))
KEY = Key("lost_card", "small", "v1")


async def decided_alone(s: Scene, ticket_id: str, version: str) -> None:
    proposal = {"label": "lost_card", "tier": "small", "version": version, "team": "cards", "blind": False}
    alone = {**DECISION, "decided_by": "agent"}
    await s.ledger.decide(await s.running(ticket_id), Conclusion((), alone, Priority.NORMAL, "", proposal), ())


async def next_turn(s: Scene) -> None:
    """The server's own expiry is not moved with stored times."""
    await s.pass_ms(TURN_SECONDS * 1000 + 1)
    if not isinstance(s.store, MemoryStore):
        await s.command("DEL", keys.EARNED_TURN)


@scene
async def test_it_is_said_once_and_names_what_was_decided_alone(s: Scene) -> None:
    watch = Watch(s.store, TRIAGE, lambda: AutonomyJudge(s.store, TRIAGE, EASY))

    async def looked() -> list[Turn]:
        await next_turn(s)
        return await watch.turns()

    assert await looked() == []
    await give(s, *(example(text) for text in ["lost_card"] * 7))
    (promoted,) = await looked()
    assert (promoted.period.key, promoted.promoted) == (KEY, True)
    assert promoted.words.startswith("lost_card on small is decided alone from now on: 5 of 5 agreed")
    assert await watch.turns() == []
    assert await looked() == []

    await decided_alone(s, "one", "v1")
    await decided_alone(s, "two", "v1")
    await decided_alone(s, "of-another-version", "v2")
    await s.suggested("waits")
    (period,) = await watch.periods()
    assert await watch.alone(period) == ("one", "two")

    await give(s, *(example("new_loan", "loans") for _ in range(12)))
    await next_turn(s)
    await report_turns(watch, AlertDesk(s.store, (), 60.0))
    (change,) = await Control(s.store).log()
    assert change.words.startswith("lost_card on small is no longer decided alone: demoted: people stopped agreeing")
    assert change.words.endswith("; 2 tickets were decided alone before")
    assert change.who == "the evidence"
    assert (await s.store.fields(keys.METERS))["autonomy_changes|to=suggest"] == "1"
    raised = await s.store.fields(keys.alert(Escalation.AUTONOMY_CHANGED.value))
    if not isinstance(s.store, MemoryStore):  # which raises no alert
        assert change.words in raised.values()
        assert "late_until" not in raised  # the next turn is another alert
    assert await looked() == []
    (ended,) = await watch.periods()
    assert ended.to_ms is not None
    assert await watch.alone(ended) == ("one", "two")
