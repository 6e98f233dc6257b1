"""What is cut in the middle of leaving, and what changes meanwhile: the store counts, and nothing is in two places."""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from unittest.mock import patch

import pytest

from fallbacks.delivery.outbox import OutboxAdmin
from fallbacks.history.port import Entry
from fallbacks.ledger.past.leaving import REMEMBERED_MS, RESTS_MS, Leaving
from fallbacks.ledger.sums.audit import audit
from fallbacks.ledger.views import Views
from fallbacks.store import keys
from tasks.run.limits import Limits
from tests.fakes.memory_history import MemoryHistory
from tests.fallbacks.conftest import Play
from tests.fallbacks.ledger.leaving.ending import deliver_all, ended, leave, remembering, rested
from tests.fallbacks.scene import TRIAGE, Scene, ticket


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
