"""Ended tickets leave the store for history and stay readable; whatever crashes, none is lost or left half."""

from base64 import b64encode
from zlib import compress

import pytest

from fallbacks.errors import HistoryUnreachable
from fallbacks.ledger.attachments import packed_texts
from fallbacks.ledger.move import ByWorker, Move, make_move
from fallbacks.ledger.past.leaving import PAGE, REMEMBERED_MS, RESTS_MS, Leaving, Round
from fallbacks.ledger.states import Closed, State
from fallbacks.ledger.sums.audit import audit
from fallbacks.ledger.views import Views
from tasks.run.limits import Limits
from tasks.ticket import Ticket
from tasks.tools.ports import AttachmentText
from tests.fakes.memory_history import MemoryHistory
from tests.fallbacks.conftest import Play
from tests.fallbacks.ledger.busy_ledger import fill
from tests.fallbacks.ledger.leaving.ending import deliver_all, leave, rested
from tests.fallbacks.scene import TRIAGE, Scene, message, ticket


def test_a_ticket_in_history_is_shown_as_before(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        await rested(s)
        history = MemoryHistory()
        views = Views(s.store, history)
        before = await views.ticket("unsure"), await views.timeline("unsure"), await views.checkpoint("unsure")
        assert await leave(s, history) == 3
        assert await s.store.row("unsure") == {}
        after = await views.ticket("unsure"), await views.timeline("unsure"), await views.checkpoint("unsure")
        assert after == before

    play_for_real(story)


def test_a_ticket_that_has_left_leaves_nothing_behind_that_stays(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        history, own = MemoryHistory(), {"requester": {"id": "r1"}}
        everything = await s.store.redis.keys("*")
        lease = await s.running("t1", **own)
        await s.store.run("thread", "", "m1", "t1", 10**9)
        await s.ledger.begin_effect(lease, "k", "refund", (), key_honoured=True)
        await s.ledger.end_effect(lease, "k", "done")
        by, outbox = ByWorker(lease.epoch, lease.owner), tuple(message())
        await make_move(s.store, "t1", Move(State.DECIDED, (State.RUNNING,), by, (), outbox=outbox))
        await s.ledger.accept(ticket("t1", **own), Limits(), idempotency_key="api:once")
        await deliver_all(s)
        await s.pass_ms(RESTS_MS + 1)
        row = await s.row("t1")
        assert await leave(s, history) == 1
        left = {key.removeprefix("deskhand:") for key in set(await s.store.redis.keys("*")) - set(everything)}
        assert {key for key in left if "t1" in key or "api:once" in key or "r1" in key} == {"left:t1", "idem:api:once"}
        for key in ("left:t1", "idem:api:once"):
            assert 0 < await s.store.redis.pttl(f"deskhand:{key}") <= REMEMBERED_MS
        (entry,) = history.entries.values()
        gone = {"op", "undo", "undo_until"}
        assert entry.ticket.row == {name: value for name, value in row.items() if name not in gone}
        assert entry.ticket.keys == ("api:once",)
        assert entry.ticket.threads == (outbox[0].id,)
        assert entry.facts.requester_id == "r1"

    play_for_real(story)


def test_what_is_kept_beside_a_ticket_goes_with_it(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        given, texts = Ticket(id="m1", source="email", subject="Card", body="Away."), {2: AttachmentText("12 pounds")}
        kept = {"original": b64encode(compress(b"Subject: Card")).decode(), "attached": packed_texts(texts)}
        await s.ledger.accept(given, Limits(), closed=Closed.AUTOMATIC, **kept)
        await s.pass_ms(RESTS_MS + 1)
        history = MemoryHistory()
        assert await leave(s, history) == 1
        assert await s.store.fields("original:m1") == {}
        views = Views(s.store, history)
        assert (await views.original("m1"), await views.attachment_texts("m1")) == (b"Subject: Card", texts)
        assert await views.bring_back("m1")
        assert await s.store.fields("original:m1") == {"zlib": kept["original"], "attached": kept["attached"]}

    play_for_real(story)


def test_nothing_leaves_before_it_has_rested_and_can_no_longer_be_undone(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        await fill(s)
        history = MemoryHistory()
        await s.pass_ms(RESTS_MS - 2000)
        await deliver_all(s)
        assert await leave(s, history) == 0
        await s.pass_ms(2001)
        await deliver_all(s)
        assert await leave(s, history) == 3
        states = (await audit(s.store)).states
        assert (states["decided"], states["closed"], states["cancelled"]) == (0, 0, 0)
        assert all(count for state, count in states.items() if state not in ("decided", "closed", "cancelled"))

    play_for_real(story)


def test_what_still_waits_to_be_delivered_stays(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        await fill(s)
        await s.pass_ms(10**8)
        history = MemoryHistory()
        assert await leave(s, history) == 0
        await deliver_all(s)
        assert await leave(s, history) == 3

    play_for_real(story)


def test_many_leave_in_pages_around_those_that_stay(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        count = 2 * PAGE + 20
        for n in range(count):
            lease = await s.running(f"t{n}")
            by, outbox = ByWorker(lease.epoch, lease.owner), tuple(message(0 if n % 10 else 10**12))
            await make_move(s.store, f"t{n}", Move(State.DECIDED, (State.RUNNING,), by, (), outbox=outbox))
        await s.pass_ms(RESTS_MS + 1)
        await deliver_all(s)
        history = MemoryHistory()
        leaving = Leaving(s.store, history, TRIAGE)
        rounds = [await leaving.round(PAGE) for _ in range(4)]  # of what ended in one millisecond any may be first
        assert sum(each.left for each in rounds) == count - count // 10
        assert max(each.left for each in rounds) <= PAGE
        assert (rounds[-1], [each.twice for each in rounds]) == (Round(0), [()] * 4)
        report = await audit(s.store)
        assert (report.problems, report.archived, report.rows) == ((), count - count // 10, count // 10)
        assert "t10" not in history.entries
        assert "t219" in history.entries

    play_for_real(story)


def test_one_that_cannot_be_read_holds_up_no_other(play_for_real: Play, caplog: pytest.LogCaptureFixture) -> None:
    async def story(s: Scene) -> None:
        await rested(s)
        await s.store.redis.hset("deskhand:t:unsure", "undo_until", "soon")
        await s.store.redis.hset("deskhand:t:decided", "decision", "{")
        assert await leave(s, MemoryHistory()) == 1

    play_for_real(story)
    assert "unsure cannot leave the store" in caplog.text
    assert "decided cannot leave the store" in caplog.text


def test_while_history_is_away_all_stays_and_then_leaves(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        await rested(s)
        history = MemoryHistory()
        history.away = True
        with pytest.raises(HistoryUnreachable):
            await leave(s, history)
        assert (await audit(s.store)).archived == 0
        history.away = False
        assert await leave(s, history) == 3

    play_for_real(story)
