"""The index of what is here sees what comes, changes and leaves."""

from dataclasses import replace

from fallbacks.history.port import Search
from fallbacks.inbox.conversations import Bounds, Conversations
from fallbacks.ledger.states import State
from fallbacks.search.live import LiveTickets
from fallbacks.search.sqlite_live_index import SqliteLiveIndex
from tasks.conversation import Message
from tasks.run.limits import Limits
from tests.fallbacks.scene import TRIAGE, Scene, scene


def live_of(s: Scene) -> LiveTickets:
    return LiveTickets(s.store, TRIAGE, SqliteLiveIndex())


async def ids(live: LiveTickets, q: str = "", **wanted: object) -> list[str]:
    assert await live.look(10)
    return [found for _, found in live.index.search(replace(Search(q), **wanted))]  # type: ignore[arg-type]


@scene
async def test_what_comes_is_found_by_words_id_and_requester(s: Scene) -> None:
    live = live_of(s)
    assert await ids(live, "card") == []
    who = {"id": "c-17", "email": "Ann.Lee@example.com", "name": "Ann Müller"}
    await s.accept("t1", body="My Çard is lost", requester=who)
    await s.accept("t2", body="A loan, please")
    for q in ("card", "CARD lost", "car*", "t1", "c-17", "ann.lee@example.com", "muller"):
        assert await ids(live, q) == ["t1"], q
    assert await ids(live, "card loan") == []
    assert await ids(live) == ["t2", "t1"]
    assert await ids(live, requester="ann.lee@example.com") == await ids(live, requester="C-17") == ["t1"]
    assert await ids(live, "!!!") == []


@scene
async def test_a_state_and_what_is_suggested_are_seen_as_they_change(s: Scene) -> None:
    live = live_of(s)
    version = await s.suggested("t1")
    assert await ids(live, "", states=("suggested",), facets={"label": "lost_card", "team": "cards"}) == ["t1"]
    assert await ids(live, "", facets={"label": "lost"}) == []
    await s.inbox.approve("t1", "ann", version)
    assert await ids(live, "", states=("suggested",)) == []
    assert await ids(live, "", decided_by="ann", ended_since_ms=1, corrected=False) == ["t1"]


@scene
async def test_a_suggestion_that_nobody_may_see_is_not_found_by_what_it_says(s: Scene) -> None:
    live = live_of(s)
    await s.suggested("t1")
    await s.store.put("t:t1", {"blind": "1"})
    assert await ids(live, "", facets={"label": "lost_card"}) == await ids(live, "", key="lost_card") == []
    assert await ids(live, "lost") == ["t1"]


@scene
async def test_a_correction_and_an_added_message_are_seen_though_the_state_stays(s: Scene) -> None:
    live = live_of(s)
    await s.inbox.approve("t1", "ann", await s.suggested("t1"))
    await s.accept("t2")
    assert await ids(live, "", corrected=True) == await ids(live, "umbrella") == []
    given = TRIAGE.hand.model_validate({"label": "new_loan"})
    await s.inbox.correct("t1", "bob", None, given, "misread")
    talk = Conversations(s.store, TRIAGE, s.inbox.outcomes, Bounds(Limits()))
    await talk.add("t2", Message(id="m1", body="An umbrella, too"), door="http")
    assert await ids(live, "", corrected=True, facets={"label": "new_loan"}, decided_by="bob") == ["t1"]
    assert await ids(live, "umbrella") == ["t2"]


@scene
async def test_who_asks_for_some_states_alone_reads_no_others(s: Scene) -> None:
    await s.accept("t1")
    await s.suggested("t2")
    live = live_of(s)
    live.only([State.SUGGESTED.value])
    assert await ids(live) == ["t2"]
    assert await ids(live, states=("suggested",)) == ["t2"]
