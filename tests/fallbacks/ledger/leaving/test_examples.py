"""People's decisions keep their places when older ones leave."""

import json
from typing import Any

from fallbacks.ledger.past.examples import SETTLED_AFTER_MS, Examples, read_all
from fallbacks.store import keys
from tests.fakes.memory_history import MemoryHistory
from tests.fallbacks.conftest import Play
from tests.fallbacks.scene import TRIAGE, Scene


def test_peoples_decisions_keep_their_places_when_the_older_ones_leave(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        history = MemoryHistory()
        examples = Examples(s.store, TRIAGE, history)
        for name in ("a", "b", "c"):
            await s.inbox.approve(name, "ann", await s.suggested(name))
        assert await examples.leave() == 0
        before = await read_all(examples)
        await aged_examples(s, SETTLED_AFTER_MS + 1)
        await s.inbox.approve("d", "ann", await s.suggested("d"))
        assert await examples.leave() == 3
        assert (len(history.people), await s.store.length(keys.EXAMPLES), await examples.count()) == (3, 1, 4)
        after = await read_all(examples)
        assert [one.id for one in after] == ["a", "b", "c", "d"]
        assert [one.text for one in after[:3]] == [one.text for one in before]
        assert [one.id for one in await examples.page(2, 2)] == ["c", "d"]
        assert [one.id for one in await examples.latest(2)] == ["c", "d"]
        assert [json.loads(one)["id"] async for one in examples.standing()] == ["a", "b", "c", "d"]
        await s.inbox.undo("d", "ann", None)
        assert await examples.count() == 3

    play_for_real(story)


async def aged_examples(s: Scene, ms: int) -> None:
    """Each was made so much longer ago."""
    stored: list[Any] = [json.loads(one) for one in await s.store.listed(keys.EXAMPLES, 0, -1)]
    for place, one in enumerate(stored):
        await s.store.redis.lset("deskhand:examples", place, json.dumps({**one, "at": one["at"] - ms}))
