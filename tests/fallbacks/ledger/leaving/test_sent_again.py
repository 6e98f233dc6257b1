"""A ticket that is sent again after it left is known."""

import asyncio

import pytest

from fallbacks.errors import IdempotencyConflict
from fallbacks.ledger.past.leaving import REMEMBERED_MS
from fallbacks.ledger.states import State
from fallbacks.ledger.sums.audit import audit
from tasks.run.limits import Limits
from tests.fakes.memory_history import MemoryHistory
from tests.fallbacks.conftest import Play
from tests.fallbacks.ledger.leaving.ending import ended, leave, remembering
from tests.fallbacks.scene import Scene, ticket


@pytest.mark.parametrize("long_after", [False, True])
def test_a_ticket_sent_again_after_it_left_is_known(long_after: bool, play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        history = MemoryHistory()
        ledger = remembering(s, history)
        own, made = await ended(s, ledger, "own"), await ended(s, ledger, None, "api:k1")
        assert await leave(s, history) == 2
        if long_after:
            await s.pass_ms(REMEMBERED_MS + 1)
            assert await s.store.fields("left:own") == {}
        else:
            history.entries = {}  # as one that was asked just before they left
        again = await ledger.accept(ticket("own"), Limits())
        assert (again.id, again.state, again.created) == (own, State.CANCELLED, False)
        again = await ledger.accept(ticket(None), Limits(), idempotency_key="api:k1")
        assert (again.id, again.state, again.created) == (made, State.CANCELLED, False)
        for what in ({"ticket": ticket("own", body="other")}, {"ticket": ticket(None, body="other"), "key": "api:k1"}):
            with pytest.raises(IdempotencyConflict):
                await ledger.accept(what["ticket"], Limits(), idempotency_key=what.get("key"))
        assert (await audit(s.store)).accepted == 2

    play_for_real(story)


def test_an_unreadable_message_that_was_dismissed_is_known_when_it_comes_again(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        history = MemoryHistory()
        ledger = remembering(s, history)
        await ledger.reject("rej_1", "cmF3", "no subject", "intake")
        await s.inbox.reject("rej_1", "ann", None, "junk")
        await s.pass_ms(10**8)
        assert await leave(s, history) == 1
        for _ in range(2):
            await ledger.reject("rej_1", "cmF3", "no subject", "intake")
            assert await s.members("s:rejected") == []
            await s.pass_ms(REMEMBERED_MS + 1)

    play_for_real(story)


def test_tickets_of_one_moment_are_one_look_and_ids_of_our_own_are_none(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        history = MemoryHistory()
        ledger = remembering(s, history)
        await asyncio.gather(*(ledger.accept(ticket(f"t{n}"), Limits()) for n in range(100)))
        assert history.looks == 1
        await ledger.accept(ticket(None), Limits())
        assert history.looks == 1

    play_for_real(story)
