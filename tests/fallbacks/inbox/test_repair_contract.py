"""What could not be read is repaired once, on every store, however often and wherever the repair breaks off."""

import json

import pytest

from fallbacks.errors import IdempotencyConflict, Stale, StoreUnreachable
from fallbacks.inbox.inbox import repaired_id
from fallbacks.ledger.states import State
from fallbacks.ledger.sums.audit import audit
from fallbacks.ledger.views import TicketView
from tasks.run.limits import Limits
from tests.fallbacks.scene import Scene, scene, ticket

FIXED = ticket()


async def rejected(s: Scene, ticket_id: str = "rej_1") -> None:
    await s.ledger.reject(ticket_id, "cmF3", "no subject", "intake")


async def repair(s: Scene, person: str = "ann", version: int | None = None, corrected=FIXED, sent=None) -> TicketView:
    async def publish(work: list[tuple[str, str]]) -> None:
        (sent if sent is not None else []).extend(work)

    return await s.inbox.repair("rej_1", person, version, corrected, Limits(), publish, 60)


@scene
async def test_a_repair_accepts_publishes_and_ends_the_message(s: Scene) -> None:
    await rejected(s)
    sent: list[tuple[str, str]] = []
    view = await repair(s, sent=sent)
    assert (view.id, view.state, view.source) == (repaired_id("rej_1"), State.QUEUED, "mail")
    assert sent == [("triage", view.id)]
    assert (await s.state("rej_1"), await s.members("inbox")) == (State.CANCELLED, [])
    events = [json.loads(event) for event in await s.store.journal("rej_1")]
    assert [(event["type"], event.get("note")) for event in events[1:]] == [
        ("person_acted", view.id),
        ("cancelled", None),
    ]
    row = await s.row(view.id)
    assert ("deadline" in row, row["door"]) == (True, "repair")  # no helpdesk's, whatever it is called


@scene
async def test_a_repair_repeated_changes_nothing(s: Scene) -> None:
    await rejected(s)
    first = await repair(s)
    before = (await s.row("rej_1"), await s.row(first.id), await s.types("rej_1"))
    assert (await repair(s)).id == first.id
    assert (await s.row("rej_1"), await s.row(first.id), await s.types("rej_1")) == before
    with pytest.raises(IdempotencyConflict):
        await repair(s, corrected=ticket(body="something else"))
    with pytest.raises(IdempotencyConflict):
        await repair(s, corrected=ticket("mine", body="something else"))
    assert await s.row("mine") == {}


@scene
async def test_a_crash_before_the_end_is_made_good_by_the_next_try(s: Scene) -> None:
    await rejected(s)

    async def dies(_: list[tuple[str, str]]) -> None:
        raise StoreUnreachable("the process ends here")

    with pytest.raises(StoreUnreachable):
        await s.inbox.repair("rej_1", "ann", None, FIXED, Limits(), dies)
    assert (await s.state("rej_1"), await s.state(repaired_id("rej_1"))) == (State.REJECTED, State.QUEUED)
    assert (await repair(s, "eve")).id == repaired_id("rej_1")
    assert await s.state("rej_1") is State.CANCELLED
    assert len(await s.members("s:queued")) == 1


@scene
async def test_a_stale_or_foreign_repair_accepts_nothing(s: Scene) -> None:
    await rejected(s)
    held = await s.inbox.claim("rej_1", "ann")
    for person, version in (("eve", None), ("eve", held.version), ("ann", held.version - 1)):
        with pytest.raises(Stale):
            await repair(s, person, version)
    await s.suggested("t1")
    with pytest.raises(Stale):
        await s.inbox.repair("t1", "ann", None, FIXED, Limits(), _nobody)
    assert await s.members("s:queued") == []
    await s.inbox.reject("rej_1", "ann", None, "spam")
    with pytest.raises(Stale):
        await repair(s)


@scene
async def test_a_ticket_keeps_its_own_id_and_an_id_in_use_is_refused(s: Scene) -> None:
    await rejected(s)
    await s.accept("taken", body="another text")
    with pytest.raises(IdempotencyConflict):
        await repair(s, corrected=ticket("taken"))
    assert await s.state("rej_1") is State.REJECTED
    assert (await repair(s, corrected=ticket("theirs"))).id == "theirs"


def test_the_ledger_balances_after_a_repair(play_for_real) -> None:
    async def story(s: Scene) -> None:
        await rejected(s)
        await repair(s)
        report = await audit(s.store)
        assert (report.balanced, report.accepted) == (True, 2), report.problems

    play_for_real(story)


async def _nobody(_: list[tuple[str, str]]) -> None:
    """Publishes nothing."""
