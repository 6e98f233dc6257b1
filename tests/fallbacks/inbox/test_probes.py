"""Probes wait among the items, nothing leaves because of them, and they are judged when no undo is possible."""

import json
from random import Random

import pytest

from fallbacks.autonomy.noise import Noise, read_noise
from fallbacks.autonomy.standing import AutonomyJudge, Terms
from fallbacks.inbox.endings import UNDO_MS
from fallbacks.inbox.people import Probed, probed
from fallbacks.inbox.probes import LATELY_MS, QUEUE, STALLED_MS, Probes
from fallbacks.ledger.ledger import Claim
from fallbacks.ledger.states import Closed, State
from fallbacks.ledger.sums.audit import audit
from fallbacks.store import keys
from tasks.run.limits import Limits
from tasks.triage.process import HandDecision
from tests.fallbacks.conftest import Play
from tests.fallbacks.scene import DECISION, TRIAGE, Scene, ticket


def prober(s: Scene, share: float = 0.05, again: float = 0.0) -> Probes:
    return Probes(s.store, TRIAGE, share, "host:1:ab", Random(7), again)


async def desk(s: Scene, waiting: int = 20, known: int = 2) -> Probes:
    """Items that wait, and tickets that a person approved so long ago that nothing can be undone."""
    for n in range(known):
        await s.inbox.approve(f"known{n}", "ann", await s.suggested(f"known{n}"))
    for n in range(waiting):
        await s.suggested(f"t{n}")
    await s.pass_ms(UNDO_MS)
    return prober(s)


async def probe_of(s: Scene) -> str:
    (probe_id,) = await s.store.fields(keys.PROBES)
    return probe_id


async def counted(s: Scene) -> dict[str, int]:
    stats = await s.inbox.views.stats()
    return {name: n for name, n in stats.counters.items() if name.startswith(("probes_", "person_"))}


def test_a_probe_waits_as_an_ordinary_suggestion_with_the_label_of_another_team(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        probes = await desk(s)
        assert await probes.keep_up() == 1
        probe = await s.inbox.views.ticket(await probe_of(s))
        assert (probe.state, probe.id[:4], probe.blind) == (State.SUGGESTED, "tkt_", False)
        assert probe.decision == DECISION | {"label": "new_loan", "team": "loans", "priority": "normal"}
        assert probe.ticket is not None
        assert probe.ticket.text == ticket().text
        assert probe.decision["evidence"][0] in probe.ticket.text
        assert probe.id in await s.members("inbox:label:new_loan")
        assert (await audit(s.store)).problems == ()

    play_for_real(story)


@pytest.mark.parametrize(("share", "waiting", "made"), [(0.05, 40, 2), (0.05, 9, 0), (0.0, 40, 0), (0.05, 0, 0)])
def test_as_many_wait_as_the_share_says_and_no_more(play_for_real: Play, share: float, waiting: int, made: int) -> None:
    async def story(s: Scene) -> None:
        await desk(s, waiting)
        probes = prober(s, share)
        assert await probes.keep_up() == made
        assert await probes.keep_up() == 0
        assert len(await s.members("inbox")) == waiting + made

    play_for_real(story)


def test_only_one_process_takes_the_turn(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        await desk(s)
        assert [await prober(s).take_turn(), await prober(s).take_turn()] == [1, 0]

    play_for_real(story)


def test_an_approved_probe_is_missed_and_nothing_leaves_because_of_it(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        probes = await desk(s)
        await probes.keep_up()
        probe_id = await probe_of(s)
        before = await s.store.listed("examples", 0, -1), await s.members("outbox"), await counted(s)
        earned = await AutonomyJudge(s.store, TRIAGE, Terms()).standings()
        view = await s.inbox.approve(probe_id, "eve", await s.version(probe_id))
        assert (view.state, (view.decision or {})["decided_by"]) == (State.DECIDED, "eve")
        await probes.keep_up()
        assert before == (await s.store.listed("examples", 0, -1), await s.members("outbox"), await counted(s))
        await s.pass_ms(UNDO_MS)
        await probes.keep_up()
        await probes.keep_up()
        assert (await counted(s))["probes_missed"] == 1
        assert probed("eve", await s.store.fields(keys.COUNTERS)) == Probed(caught=0, shown=1)
        assert "probes_caught" not in await counted(s)
        assert probe_id not in await s.store.fields(keys.PROBES)
        last = json.loads((await s.store.journal(probe_id))[-1])
        assert (last["type"], last["note"]) == ("person_acted", "probe: missed")
        assert await AutonomyJudge(s.store, TRIAGE, Terms()).standings() == earned
        assert (await audit(s.store)).problems == ()

    play_for_real(story)


@pytest.mark.parametrize(("label", "verdict"), [("lost_card", "same"), ("new_loan", "changed")])
def test_what_was_approved_is_shown_once_more_to_see_how_much_people_slip(
    play_for_real: Play, label: str, verdict: str
) -> None:
    async def story(s: Scene) -> None:
        await desk(s)
        probes = prober(s, again=1.0)
        await probes.keep_up()
        probe_id = await probe_of(s)
        assert (await s.inbox.views.ticket(probe_id)).decision == DECISION
        await s.inbox.decide(probe_id, "eve", None, HandDecision(label=label))
        await s.pass_ms(UNDO_MS)
        await probes.keep_up()
        counts = await s.store.fields(keys.COUNTERS)
        assert read_noise(counts) == {"lost_card": Noise(**{verdict: 1})}
        assert not {"probes_caught", "probes_missed"} & counts.keys()
        judge = AutonomyJudge(s.store, TRIAGE, Terms())
        assert (await judge.standings()) is not None
        assert (judge.noise, judge.rule_of("lost_card")) == (read_noise(counts), Terms().rule)
        assert (await audit(s.store)).problems == ()

    play_for_real(story)


@pytest.mark.parametrize("refused_first", [False, True])
def test_a_corrected_probe_is_caught(play_for_real: Play, refused_first: bool) -> None:
    async def story(s: Scene) -> None:
        probes = await desk(s)
        await probes.keep_up()
        probe_id = await probe_of(s)
        if refused_first:
            await s.inbox.reject(probe_id, "eve", None, "no loan is wanted")
            assert await probes.keep_up() == 0, "it still waits"
        await s.inbox.decide(probe_id, "eve", None, HandDecision(label="lost_card"))
        await s.pass_ms(UNDO_MS)
        await probes.keep_up()
        assert (await counted(s))["probes_caught"] == 1
        assert len(await s.store.listed("examples", 0, -1)) == 2
        assert (await audit(s.store)).problems == ()

    play_for_real(story)


def test_an_undone_decision_is_not_counted_and_the_next_one_is(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        probes = await desk(s)
        await probes.keep_up()
        probe_id = await probe_of(s)
        await s.inbox.approve(probe_id, "eve", None)
        undone = await s.inbox.undo(probe_id, "eve", None)
        assert (undone.state, (undone.decision or {})["label"]) == (State.SUGGESTED, "new_loan")
        await s.inbox.decide(probe_id, "eve", None, HandDecision(label="lost_card"))
        await s.pass_ms(UNDO_MS)
        await probes.keep_up()
        found = await counted(s)
        assert (found["probes_caught"], found.get("probes_missed")) == (1, None)

    play_for_real(story)


def test_a_probe_that_is_closed_and_comes_back_is_still_one(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        probes = await desk(s)
        await probes.keep_up()
        probe_id, leaving = await probe_of(s), await s.members("outbox")
        for undone in (True, False):
            await s.inbox.close(probe_id, "eve", None, Closed.SPAM)
            await probes.keep_up()
            if undone:
                await s.inbox.undo(probe_id, "eve", None)
        assert await s.members("outbox") == leaving
        assert probe_id in await s.store.fields(keys.PROBES)
        await s.pass_ms(UNDO_MS)
        await probes.keep_up()
        assert probe_id not in await s.store.fields(keys.PROBES)

    play_for_real(story)


@pytest.mark.parametrize("act", ["cancel", "resume"])
def test_a_probe_that_is_cancelled_or_sent_back_ends_untold(play_for_real: Play, act: str) -> None:
    async def story(s: Scene) -> None:
        probes = await desk(s)
        await probes.keep_up()
        probe_id, told = await probe_of(s), await s.members("outbox")
        if act == "cancel":
            await s.inbox.cancel(probe_id, "eve")
        else:
            await s.inbox.resume(probe_id, "eve", None, "look again", Limits())
        assert (await s.state(probe_id), await s.members("outbox")) == (State.CANCELLED, told)
        await probes.keep_up()
        assert probe_id not in await s.store.fields(keys.PROBES)
        assert (await audit(s.store)).problems == ()

    play_for_real(story)


def test_a_ticket_is_not_copied_again_before_long(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        probes = await desk(s, known=1)
        await probes.keep_up()
        await s.inbox.cancel(await probe_of(s), "eve")
        assert await probes.keep_up() == 0
        used = {name: str(int(at) - LATELY_MS - 1) for name, at in (await s.store.fields("probes_used")).items()}
        await s.store.put("probes_used", used)
        assert await probes.keep_up() == 1

    play_for_real(story)


def test_only_what_a_person_approved_for_good_is_copied(play_for_real: Play) -> None:
    async def story(s: Scene) -> None:
        for n in range(20):
            await s.suggested(f"t{n}")
        await s.inbox.decide("edited", "ann", await s.suggested("edited"), HandDecision(label="new_loan"))
        await s.pass_ms(UNDO_MS)
        await s.inbox.approve("young", "ann", await s.suggested("young"))
        assert await prober(s).keep_up() == 0
        await s.pass_ms(UNDO_MS)
        assert await prober(s).keep_up() == 1

    play_for_real(story)


@pytest.mark.parametrize("claimed", [False, True])
def test_a_probe_that_a_crash_left_half_made_is_ended_and_reaches_no_worker(play_for_real: Play, claimed: bool) -> None:
    async def story(s: Scene) -> None:
        probes = await desk(s)
        await s.store.put(keys.PROBES, {"half": '{"label": "lost_card", "wrong": "new_loan", "source": "known0"}'})
        await probes.ledger.accept(ticket("half"), Limits())
        if claimed:
            assert isinstance(await probes.ledger.claim("half", "prober", QUEUE), Claim)
        await s.pass_ms(STALLED_MS // 2)
        assert await s.sweep() == []
        assert await probes.keep_up() == 1
        assert await s.state("half") is State.CANCELLED
        await probes.keep_up()
        assert "half" not in await s.store.fields(keys.PROBES)
        assert (await audit(s.store)).problems == ()

    play_for_real(story)
