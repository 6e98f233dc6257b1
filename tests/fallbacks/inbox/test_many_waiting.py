"""Where so much matches that it is not put in order at once, lists are walked and merged: with the same result."""

from dataclasses import replace

from fallbacks.inbox.inbox import Inbox
from fallbacks.inbox.reach import reach_of
from fallbacks.inbox.wanted import By, Wanted
from fallbacks.store.redis_store import RedisStore
from tests.bench.inbox import LABEL, OWN, READY, TEN, fill, team_of
from tests.fallbacks.conftest import Play
from tests.fallbacks.scene import Scene

MANY = 4_400
"""Half of them suggestions: more than the 2,000 of which the order is made at once."""


def test_all_that_matches_is_found_in_its_order_and_counted(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        assert isinstance(s.store, RedisStore)
        await fill(s.store, MANY, evenly=True)
        inbox, reach = Inbox(s.store, TEN, s.inbox.outcomes), reach_of(TEN, "tom", [OWN])
        ready = [f"s{number:06}" for number in range(1, MANY, 2)]
        mine = {
            f"{'s' if number % 2 else 'h'}{number:06}"
            for number in range(MANY)
            if team_of(number, MANY, evenly=True) in ("", "cards")
        }
        theirs = sorted(mine, key=lambda ticket_id: ticket_id[1:])
        of_ready, both = Wanted((READY, LABEL)), Wanted((READY,), without=(LABEL,))
        for wanted, expected in (
            (of_ready, ready),
            (both, []),
            (reach.narrowed(Wanted()), theirs),
            (reach.narrowed(Wanted(asleep=False)), theirs),
            (reach.narrowed(of_ready), [one for one in ready if one in mine]),
            (reach.narrowed(Wanted(asleep=False, waited_ms=0)), theirs),
        ):
            for by in By:
                for one in (replace(wanted, by=by), replace(wanted, by=by, descending=True)):
                    ids, total = await inbox.find_ids(one, 0, MANY + 10)
                    found = [ticket_id for ticket_id in ids if len(ticket_id) > 1]  # without the two that were copied
                    assert found == (expected[::-1] if one.descending else expected), one
                    assert total == len(ids)
        assert (await inbox.counts(reach.unseen)).awake == len(theirs) + 2
        due = await inbox.find_ids(reach.narrowed(Wanted(due_in_ms=0)), 0, 10)
        assert due[1] == (await inbox.counts(reach.unseen)).overdue

    play_for_real(story)
