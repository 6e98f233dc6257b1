"""Ended tickets leave the store for history and stay readable; whatever crashes, none is lost, the audit balances."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any
from unittest.mock import patch
from zlib import compress

import pytest

from fallbacks.delivery.outbox import OutboxAdmin
from fallbacks.errors import HistoryUnreachable, IdempotencyConflict, UnknownTicket
from fallbacks.history.port import Entry
from fallbacks.inbox.endings import UNDO_MS
from fallbacks.ledger.attachments import packed_texts
from fallbacks.ledger.audit import audit
from fallbacks.ledger.examples import SETTLED_AFTER_MS, Examples, read_all
from fallbacks.ledger.known_before import KnownBefore
from fallbacks.ledger.leaving import PAGE, REMEMBERED_MS, RESTS_MS, Leaving, Round
from fallbacks.ledger.ledger import Lease, Ledger
from fallbacks.ledger.move import ByWorker, Move, make_move
from fallbacks.ledger.states import Closed, State
from fallbacks.ledger.views import Views
from fallbacks.plan import DAY_MS
from fallbacks.store import keys
from tasks.run.limits import Limits
from tasks.ticket import Ticket
from tasks.tools.ports import AttachmentText
from tests.fakes.memory_history import MemoryHistory
from tests.fallbacks.conftest import Play
from tests.fallbacks.ledger.busy_ledger import fill
from tests.fallbacks.scene import TRIAGE, Scene, message, ticket


async def leave(s: Scene, history: MemoryHistory) -> int:
    return (await Leaving(s.store, history, TRIAGE).round()).left


def remembering(s: Scene, history: MemoryHistory) -> Ledger:
    return Ledger(s.store, TRIAGE, before=KnownBefore(history))


async def deliver_all(s: Scene) -> None:
    """Deliver what waits in the outbox."""
    for message_id, flat in await s.store.run("take_outbox", "", 1000, 1000):
        sent = dict(zip(flat[::2], flat[1::2], strict=True))
        await s.store.run("settle_outbox", sent["ticket"], message_id, "delivered", 0)


async def rested(s: Scene) -> None:
    """A busy ledger whose outcomes are sent, and whose ended tickets have rested; its workers still live."""
    await fill(s)
    await s.pass_ms(max(RESTS_MS, UNDO_MS) + 1)
    await s.ledger.renew("w1", [Lease(name, 1, "w1") for name in ("running0", "running1", "running2", "effects")])
    await deliver_all(s)


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


class Dying(MemoryHistory):
    """The process dies as it writes. kept: whether all was written then."""

    def __init__(self, *, kept: bool) -> None:
        super().__init__()
        self.kept = kept

    async def write(self, entries: Sequence[Entry]) -> None:
        if self.kept:
            await super().write(entries)
        raise OSError("killed")


@pytest.mark.parametrize("kept", [False, True])
def test_a_crash_while_writing_loses_nothing_and_the_store_counts(kept: bool, play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        await rested(s)
        dying, history = Dying(kept=kept), MemoryHistory()
        with pytest.raises(OSError, match="killed"):
            await leave(s, dying)
        history.entries = dying.entries
        assert (await audit(s.store)).archived == 0
        await s.inbox.note("decided", "ann", "written in between")
        views = Views(s.store, history)
        assert json.loads((await views.journal("decided"))[-1])["note"] == "written in between"
        assert await leave(s, history) == 3
        assert json.loads((await views.journal("decided"))[-1])["note"] == "written in between"
        assert (await audit(s.store)).balanced

    play_for_real(story)


class Slow(MemoryHistory):
    """Something happens to a ticket while it is written."""

    def __init__(self, s: Scene) -> None:
        super().__init__()
        self.scene: Scene | None = s

    async def write(self, entries: Sequence[Entry]) -> None:
        await super().write(entries)
        if self.scene and any(entry.ticket.id == "decided" for entry in entries):
            await self.scene.inbox.note("decided", "ann", "meanwhile")
            self.scene = None


def test_a_ticket_that_changes_meanwhile_stays(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        await rested(s)
        history = Slow(s)
        assert await leave(s, history) == 2
        assert await s.row("decided")
        assert await leave(s, history) == 1
        assert json.loads(history.entries["decided"].ticket.journal[-1])["note"] == "meanwhile"

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
        assert [await leaving.round(PAGE) for _ in range(4)] == [Round(90), Round(90), Round(18), Round(0)]
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


async def ended(s: Scene, ledger: Ledger, ticket_id: str | None, key: str | None = None) -> str:
    """A ticket that is cancelled."""
    accepted = await ledger.accept(ticket(ticket_id), Limits(), idempotency_key=key)
    await s.inbox.cancel(accepted.id, "ann")
    await s.pass_ms(10**8)
    await deliver_all(s)
    return accepted.id


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


def test_one_accepted_twice_while_history_was_away_leaves_under_an_id_of_its_own(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        history = MemoryHistory()
        await ended(s, remembering(s, history), "own")
        assert await leave(s, history) == 1
        await s.pass_ms(REMEMBERED_MS + 1)
        first = history.entries["own"].ticket
        history.away = True
        again = await remembering(s, history).accept(ticket("own"), Limits())
        assert again.created
        assert (await s.row("own"))["unasked"] == "1"
        history.away = False
        await s.inbox.cancel("own", "ann")
        await deliver_all(s)
        await s.pass_ms(RESTS_MS + 1)
        done = await Leaving(s.store, history, TRIAGE).round()
        ((before, now),) = done.twice
        assert (done.left, before, history.entries["own"].ticket) == (1, "own", first)
        assert history.entries[now].ticket.row["accepted"] > first.row["accepted"]
        assert (await audit(s.store)).balanced

    play_for_real(story)


def test_one_that_a_crash_left_in_both_is_not_taken_for_its_own_twin(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        history = MemoryHistory()
        history.away = True
        await remembering(s, history).accept(ticket("own"), Limits())
        history.away = False
        await s.inbox.cancel("own", "ann")
        await deliver_all(s)
        await s.pass_ms(RESTS_MS + 1)
        with patch.object(s.store, "run", failing_at("leaving_drop", s.store.run)), pytest.raises(ConnectionError):
            await Leaving(s.store, history, TRIAGE).round()
        done = await Leaving(s.store, history, TRIAGE).round()
        assert (done.left, done.twice, list(history.entries)) == (1, (), ["own"])
        assert (await audit(s.store)).balanced

    play_for_real(story)


def failing_at(script: str, run: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """A store's `run` whose process dies before this script."""

    async def dies(name: str, *args: Any) -> Any:
        if name == script:
            raise ConnectionError(script)
        return await run(name, *args)

    return dies


def test_an_outcome_is_delivered_again_by_command_after_its_ticket_left(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        await rested(s)
        row, history = await s.row("decided"), MemoryHistory()
        sent = row["outbox"]
        assert await leave(s, history) == 3
        assert await s.store.fields(keys.message(sent)) == {}
        assert await OutboxAdmin(s.store, history).redeliver(sent) == "decided"
        assert await leave(s, history) == 0
        await deliver_all(s)
        assert (await s.row("decided"))["sequence"] == row["sequence"]
        assert await leave(s, history) == 1
        assert (await audit(s.store)).balanced

    play_for_real(story)


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
