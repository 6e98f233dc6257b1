"""The audit balances over the store and history together, and finds what is wrong at the seam between them."""

from dataclasses import replace

import pytest

from fallbacks.errors import UnknownTicket
from fallbacks.ledger.past.leaving import RESTS_MS
from fallbacks.ledger.sums.audit import audit
from fallbacks.ledger.views import Views
from fallbacks.plan import DAY_MS
from fallbacks.store import keys
from tests.fakes.memory_history import MemoryHistory
from tests.fallbacks.conftest import Play
from tests.fallbacks.ledger.leaving.ending import deliver_all, leave, rested
from tests.fallbacks.scene import Scene


def test_the_audit_balances_with_what_has_left(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        await rested(s)
        history, before = MemoryHistory(), await audit(s.store)
        assert await leave(s, history) == 3
        after = await audit(s.store)
        assert after.problems == ()
        assert (after.accepted, after.archived, after.archived_spent) == (before.accepted, 3, 50)
        assert after.spent == before.spent
        assert await leave(s, history) == 0
        for ticket_id in ("decided", "cancelled", "unsure"):
            with pytest.raises(UnknownTicket):
                await s.inbox.views.ticket(ticket_id)
        states = (await Views(s.store, history).stats()).states
        assert (states["decided"], states["cancelled"], states["queued"]) == (1, 2, 5)

    play_for_real(story)


def test_the_audit_looks_at_both_and_at_the_seam_between_them(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        await rested(s)
        history = MemoryHistory()
        assert await leave(s, history) == 3
        report = await audit(s.store, history)
        assert (report.problems, report.in_history, report.in_both, report.history_spent) == ((), 3, 0, 50)
        assert await Views(s.store, history).bring_back("unsure")
        report = await audit(s.store, history)
        assert (report.problems, report.in_history, report.in_both, report.archived) == ((), 3, 1, 2)
        other = history.entries["unsure"].ticket
        twin = replace(other, row={**other.row, "digest": "other"})
        history.entries["unsure"] = replace(history.entries["unsure"], ticket=twin)
        assert (await audit(s.store, history)).problems == (("unsure", "is in history with another body"),)
        lost = history.entries.pop("decided")
        (*_, (_, what)) = (await audit(s.store, history)).problems
        assert what == "2 tickets left for history; it has 2, of which 1 live"
        history.entries["decided"] = lost
        history.away = True
        ((_, what),) = (await audit(s.store, history)).problems
        assert what.startswith("history does not answer")

    play_for_real(story)


def test_money_that_history_has_on_another_day_is_found(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        history, today = MemoryHistory(), await s.store.now_ms() // DAY_MS
        for name in ("t1", "t2"):
            lease = await s.running(name)
            await s.begin(lease, 100)
            await s.end(lease, 30)
        await s.inbox.cancel("t1", "ann")
        await deliver_all(s)
        await s.pass_ms(RESTS_MS + 1)
        assert await leave(s, history) == 1
        assert (await audit(s.store, history)).balanced
        entry = history.entries["t1"]
        assert [(cost.day, cost.nanodollars) for cost in entry.facts.costs] == [(today, 30)]
        moved = replace(entry.facts, costs=(replace(entry.facts.costs[0], day=today - 1),))
        history.entries["t1"] = replace(entry, facts=moved)
        await s.store.put(keys.day(str(today - 1)), {"spent": "0"})
        assert (await audit(s.store, history)).problems == (
            ("", f"0 was spent on day {today - 1}; tickets and history say 30"),
        )

    play_for_real(story)
