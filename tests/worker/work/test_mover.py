"""What moves tickets to history does it where every process finds them again, and says so where it does not."""

import json

import pytest

from fallbacks.delivery.alerts import AlertDesk
from fallbacks.history.no_history import NoHistory
from fallbacks.history.port import History
from fallbacks.ledger.past.examples import Examples
from fallbacks.ledger.past.leaving import RESTS_MS, Leaving
from fallbacks.ledger.past.one_history import announce, compare
from fallbacks.store import keys
from tests.fakes.memory_history import MemoryHistory
from tests.fallbacks.conftest import Play, play_for_real
from tests.fallbacks.scene import TRIAGE, Scene
from worker.work.mover import TURN_SECONDS, Mover

__all__ = ["play_for_real"]


def mover(s: Scene, history: History) -> Mover:
    return Mover(
        Leaving(s.store, history, TRIAGE),
        Examples(s.store, TRIAGE, history),
        AlertDesk(s.store, (), 60),
        s.store.now_ms,
    )


async def ended(s: Scene, ticket_id: str) -> None:
    await s.inbox.cancel(await s.accept(ticket_id), "ann")
    for message_id, _ in await s.store.run("take_outbox", "", 100, 1000):
        await s.store.run("settle_outbox", ticket_id, message_id, "delivered", 0)
    await s.pass_ms(max(RESTS_MS, TURN_SECONDS * 1000) + 1)


def test_one_process_at_a_time_moves(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        history = MemoryHistory()
        await ended(s, "t1")
        await mover(s, history).take_turn()
        assert list(history.entries) == ["t1"]
        await ended(s, "t2")
        await s.store.tick(keys.LEAVING_TURN, TURN_SECONDS)
        await mover(s, history).take_turn()
        assert list(history.entries) == ["t1"]

    play_for_real(story)


def test_nothing_moves_to_another_history_than_the_deployments(
    play_for_real: Play, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(s: Scene) -> None:
        ours, other = MemoryHistory(), MemoryHistory("other")
        await ended(s, "t1")
        await mover(s, ours).take_turn()
        assert (await compare(s.store, ours), (await compare(s.store, other))[:35]) == (
            "",
            "this process has the history other,",
        )
        await ended(s, "t2")
        await mover(s, other).take_turn()
        assert other.entries == {}
        assert await s.row("t2")

    play_for_real(story)
    assert "other_history: this process has the history other" in caplog.text


def test_nothing_moves_while_a_process_that_lives_would_not_find_it(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        ours = MemoryHistory()
        await announce(s.store, ours, "worker")
        await announce(s.store, MemoryHistory("other"), "web")
        await announce(s.store, NoHistory(), "another web")
        await ended(s, "t1")
        await mover(s, ours).take_turn()
        assert ours.entries == {}
        said = await s.store.fields(keys.HISTORIES)
        for owner in ("web", "another web"):
            long_ago = json.dumps({**json.loads(said[owner]), "at": 0})
            await s.store.put(keys.HISTORIES, {owner: long_ago})
        await s.pass_ms(TURN_SECONDS * 1000 + 1)
        await mover(s, ours).take_turn()
        assert list(ours.entries) == ["t1"]
        assert set(await s.store.fields(keys.HISTORIES)) == {"worker"}

    play_for_real(story)


def test_where_there_is_no_history_all_stays(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        await ended(s, "t1")
        await mover(s, NoHistory()).take_turn()
        assert await s.row("t1")

    play_for_real(story)
