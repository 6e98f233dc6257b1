"""Who holds an item keeps it while they read, and who decided takes it back, on every store."""

import pytest

from fallbacks.errors import NotAllowed, Stale, UnknownTicket
from fallbacks.ledger.states import State
from tests.fallbacks.scene import Scene, scene


@scene
async def test_a_hold_is_renewed_and_the_version_stays(s: Scene) -> None:
    await s.suggested()
    held = await s.inbox.claim("t1", "ann")
    await s.pass_ms(4 * 60_000)
    until = await s.inbox.renew("t1", "ann")
    assert held.held_until_ms is not None
    assert until > held.held_until_ms
    await s.pass_ms(4 * 60_000)
    assert await s.inbox.next("eve") is None
    assert (await s.version(), (await s.types()).count("person_acted")) == (held.version, 1)
    assert (await s.inbox.approve("t1", "ann", held.version)).state is State.DECIDED


@scene
async def test_only_who_holds_it_renews(s: Scene) -> None:
    await s.suggested()
    with pytest.raises(Stale):
        await s.inbox.renew("t1", "ann")
    await s.inbox.next("ann")
    with pytest.raises(Stale) as stale:
        await s.inbox.renew("t1", "eve")
    assert stale.value.holder == "ann"
    await s.pass_ms(6 * 60_000)
    await s.inbox.renew("t1", "ann")  # it ran out, and nobody has taken it
    await s.pass_ms(6 * 60_000)
    await s.inbox.next("eve")
    with pytest.raises(Stale):
        await s.inbox.renew("t1", "ann")
    await s.inbox.approve("t1", "eve", None)
    with pytest.raises(Stale):
        await s.inbox.renew("t1", "eve")
    with pytest.raises(UnknownTicket):
        await s.inbox.renew("t9", "eve")


@scene
async def test_only_who_decided_or_an_operator_undoes(s: Scene) -> None:
    await s.inbox.approve("t1", "ann", await s.suggested())
    before = await s.row()
    with pytest.raises(NotAllowed):
        await s.inbox.undo("t1", "eve", None)
    assert await s.row() == before
    assert (await s.inbox.undo("t1", "eve", None, operator=True)).state is State.SUGGESTED
    await s.inbox.approve("t1", "ann", None)
    assert (await s.inbox.undo("t1", "ann", None)).state is State.SUGGESTED
