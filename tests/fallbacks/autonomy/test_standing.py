"""The bookkeeping of autonomy: evidence from people's decisions, the same for every reader, without gaps by undo."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from fallbacks.autonomy import repeats
from fallbacks.autonomy import standing as standings
from fallbacks.autonomy.carried import carry, read_carried
from fallbacks.autonomy.noise import counter
from fallbacks.autonomy.standing import AutonomyJudge, Earned, Key, Terms, observe
from fallbacks.ledger.ledger import Conclusion
from fallbacks.ledger.move import ByPerson, Move, make_move
from fallbacks.ledger.past import examples as ledger_examples
from fallbacks.ledger.past.examples import SETTLED_AFTER_MS, Example, read_example
from fallbacks.ledger.states import State
from fallbacks.store import keys
from tasks.run.limits import Limits
from tasks.ticket import Priority
from tasks.triage.process import HandDecision, Triage
from tests.fakes.memory_store import MemoryStore
from tests.fallbacks.scene import DECISION, TAXONOMY, TRIAGE, Scene, scene

KEY = Key("lost_card", "small", "v1")


def example(label: str = "lost_card", team: str = "cards", /, at: int = 0, **agent: Any) -> str:
    proposed = {"label": "lost_card", "tier": "small", "version": "v1", "team": "cards", "blind": False, **agent}
    return json.dumps({"label": label, "team": team, "at": at, "agent": proposed})


def told(label: str = "lost_card", team: str = "cards", /, text: str = "", **agent: Any) -> str:
    return json.dumps(json.loads(example(label, team, **agent)) | {"text": text})


def replay(
    stored: list[str], rule: standings.Rule | None = None, before: Earned = standings.NOTHING, process: Triage = TRIAGE
) -> Earned:
    examples = [read_example(process, example) for example in stored]
    return standings.replay(examples, process, rule or standings.Rule(), before)


def read(stored: str) -> Example:
    return read_example(TRIAGE, stored)


async def proposed(s: Scene, ticket_id: str, *, blind: bool = False) -> int:
    proposal = {"label": "lost_card", "tier": "small", "version": "v1", "team": "cards", "blind": blind}
    conclusion = Conclusion((), DECISION, Priority.NORMAL, "not proved", proposal, blind)
    await s.ledger.suggest(await s.running(ticket_id), conclusion)
    return await s.version(ticket_id)


def judge(s: Scene, dice: float = 0.99, terms: Terms | None = None) -> AutonomyJudge:
    return AutonomyJudge(s.store, TRIAGE, terms or Terms(), lambda: dice)


async def give(s: Scene, *examples: str) -> None:
    """Examples as the inbox would have written them."""
    for stored in examples:
        ticket_id = uuid4().hex
        await s.suggested(ticket_id)
        await make_move(s.store, ticket_id, Move(State.DECIDED, (State.SUGGESTED,), ByPerson(), (), example=stored))


@scene
async def test_approval_and_correction_are_evidence(s: Scene) -> None:
    await s.inbox.approve("a", "ann", await proposed(s, "a"))
    await s.inbox.decide("b", "ann", await proposed(s, "b"), HandDecision(label="new_loan"))
    standing = (await judge(s).standings())[KEY]
    assert (standing.n, standing.agreements) == (2, 1)


@scene
async def test_a_rejected_or_resumed_proposal_still_counts_as_it_was_made(s: Scene) -> None:
    await s.inbox.reject("a", "ann", await proposed(s, "a"), "no")
    await s.inbox.decide("a", "ann", await s.version("a"), HandDecision(label="new_loan"))
    await s.inbox.resume("b", "ann", await proposed(s, "b"), "think again", Limits())
    better = Conclusion((), DECISION | {"label": "new_loan", "team": "loans"}, Priority.NORMAL)
    await s.ledger.suggest(await s.claim("b"), better)
    await s.inbox.approve("b", "ann", await s.version("b"))
    standing = (await judge(s).standings())[KEY]
    assert (standing.n, standing.agreements) == (2, 0)


@scene
async def test_a_hand_off_is_no_evidence(s: Scene) -> None:
    await s.inbox.decide("a", "ann", await s.handed_off("a"), HandDecision(label="new_loan"))
    assert await judge(s).standings() == {}


@scene
async def test_an_undone_decision_is_forgotten_even_when_it_was_seen(s: Scene) -> None:
    autonomy = judge(s)
    await s.inbox.approve("a", "ann", await proposed(s, "a"))
    assert (await autonomy.standings())[KEY].n == 1
    await s.inbox.undo("a", "ann", await s.version("a"))
    assert await autonomy.standings() == {}
    await s.inbox.decide("a", "ann", await s.version("a"), HandDecision(label="new_loan"))
    assert (await autonomy.standings())[KEY].agreements == 0


@scene
async def test_a_blind_mark_shows_on_the_ticket_and_counts_and_nobody_approves_what_they_do_not_see(s: Scene) -> None:
    await proposed(s, "a", blind=True)
    assert (await s.inbox.views.ticket("a")).blind
    await s.inbox.decide("a", "ann", None, HandDecision(label="lost_card"))
    assert not (await s.inbox.views.ticket("a")).blind
    await proposed(s, "b", blind=True)
    for act in (s.inbox.approve("b", "ann", None), s.inbox.reject("b", "ann", None, "no")):
        with pytest.raises(ValueError, match="not shown"):
            await act
    standing = (await judge(s).standings())[KEY]
    assert (standing.n, standing.blind_n, standing.blind_agreements) == (1, 1, 1)


@scene
async def test_nothing_finds_a_blind_item_by_its_proposal(s: Scene) -> None:
    await proposed(s, "a", blind=True)
    await proposed(s, "b")
    for facet in ("label:lost_card", "team:cards"):
        assert [view.id for view in (await s.inbox.page([facet])).items] == ["b"]
    (served,) = [view for view in (await s.inbox.page()).items if view.id == "a"]
    assert (served.decision, served.unseen) == (None, DECISION)
    decided = await s.inbox.decide("a", "ann", None, HandDecision(label="new_loan"))
    (example,) = await s.store.listed("examples", 0, -1)
    assert json.loads(example)["proposed"] == "lost_card"
    undone = await s.inbox.undo("a", "ann", decided.version)
    assert (undone.blind, undone.decision, undone.unseen) == (True, None, DECISION)
    assert await s.members("inbox:label:lost_card") == ["b"]


@scene
async def test_readers_that_look_at_different_times_stand_at_the_same_place(s: Scene) -> None:
    early, late = judge(s), judge(s)
    for index in range(6):
        if index % 2:
            await s.inbox.approve(f"t{index}", "ann", await proposed(s, f"t{index}"))
            assert index != 5 or (await early.standings())[KEY].repeats == 2  # one text, agreed on three times
        else:
            await s.inbox.decide(f"t{index}", "ann", await proposed(s, f"t{index}"), HandDecision(label="new_loan"))
        await early.standings()
    seen = await early.standings()
    assert seen == await late.standings()
    stored = await s.store.listed("examples", 0, -1)
    assert seen == replay(stored).standings


def test_folding_in_parts_is_folding_at_once() -> None:
    stored = [
        told("lost_card" if index % 7 else "new_loan", text=f"my card {index * index % 101}") for index in range(500)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeats, "MOST", 50)  # fewer than there are: what was forgotten must not depend on the parts
        whole = replay(stored)
        for cut in (0, 1, 196, 499, 500):
            parts = replay(stored[cut:], before=replay(stored[:cut]))
            assert (parts.standings, parts.repeats.seen()) == (whole.standings, whole.repeats.seen())
        assert len(replay([told(text=f"{index}") for index in range(200)]).repeats.seen().last) == 50
    assert 0 < whole.standings[KEY].repeats < whole.standings[KEY].agreements


def test_a_text_agreed_on_before_is_no_evidence_again() -> None:
    bulk = [told(text="Dear customer,\n click HERE"), *[told(text="dear customer, click here ")] * 999]
    (standing,) = replay(bulk).standings.values()
    assert (standing.auto, standing.n, standing.agreements, standing.repeats) == (False, 1, 1, 999)
    different = [told(text=f"dear customer {index}") for index in range(1000)]
    (standing,) = replay(different).standings.values()
    assert (standing.auto, standing.n, standing.repeats) == (True, 1000, 0)


def test_a_version_takes_over_what_it_answers_the_same_and_the_one_after_it_that_again() -> None:
    def of(version: str, count: int) -> list[Example]:
        texts = [told(text=f"{version} {n}", version=version) for n in range(count)]
        return [replace(read(text), id=f"{version}-{n}") for n, text in enumerate(texts)]

    async def story() -> None:
        store = MemoryStore()
        all_ = [*of("v1", 10), *of("v2", 5)]
        second = await carry(store, ("small", "v1"), "v2", all_, lambda example: example.id in ("v1-3", "v1-4"))
        third = await carry(store, ("small", "v2"), "v3", all_, lambda example: example.id in ("v1-5", "v2-0"))
        assert await carry(store, ("small", "v3"), "v3", all_, lambda _: True) is None
        assert second is not None
        assert third is not None
        assert await read_carried(store) == (second, third)
        found = standings.replay(all_, TRIAGE, standings.Rule(), carried=(second, third)).standings
        counts = {key.version: (standing.n, standing.carried) for key, standing in found.items()}
        assert counts == {"v1": (10, 0), "v2": (13, 8), "v3": (11, 11)}

    asyncio.run(story())


@scene
async def test_where_people_slip_less_agreement_is_enough(s: Scene) -> None:
    """230 of 240 prove nothing above 98 %; with 3 % of slips known they prove what 98 % of precision comes to."""
    slipped = {"same": 9_700, "changed": 300, "caught": 3_000, "missed": 100}
    await s.store.put(keys.COUNTERS, {counter(verdict, "lost_card"): str(n) for verdict, n in slipped.items()})
    stored = [told("new_loan" if n % 80 == 79 else "lost_card", text=f"{n}") for n in range(2_000)]
    judged = judge(s)
    await judged.standings()
    rule = judged.rule_of("lost_card")
    assert rule.target < 0.97
    assert judged.rule_of("new_loan") == standings.Rule()
    examples = [read(each) for each in stored]
    plain, known = (
        standings.replay(examples, TRIAGE, standings.Rule(), bars=bars).standings[KEY].auto
        for bars in ({}, {"lost_card": rule})
    )
    assert (plain, known) == (False, True)


@scene
async def test_what_is_taken_over_counts_from_the_next_look_on(s: Scene) -> None:
    await give(s, *[json.dumps(json.loads(told(text=f"{n}")) | {"id": f"t{n}"}) for n in range(6)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(standings, "MAY_BE_OLD_SECONDS", 0.0)
        autonomy = judge(s)
        assert (await autonomy.standings()).keys() == {KEY}
        examples = await ledger_examples.Examples(s.store, TRIAGE).latest(10)
        await carry(s.store, ("small", "v1"), "v2", examples, lambda example: example.id == "t0")
        (row,) = await autonomy.rows({"small": ["v2"]})
        assert (row.n, row.agreements, row.carried) == (5, 5, 5)


def test_a_text_is_a_repeat_within_its_label_and_version_alone() -> None:
    stored = [told(text="x"), told(text="x", version="v2"), told("new_loan", "loans", text="x", label="new_loan")]
    assert [standing.n for standing in replay(stored).standings.values()] == [1, 1, 1]


def test_a_repeated_disagreement_always_counts_and_so_does_what_is_severe() -> None:
    wrong = replay([told(text="x"), *[told("new_loan", text="x")] * 5]).standings[KEY]
    assert (wrong.n, wrong.agreements, wrong.repeats) == (6, 1, 0)
    rule, process = (
        standings.Rule(target=0.5, error=0.5),
        Triage(TAXONOMY, agree_on="team", severe_mistakes=frozenset({"lost_card>stolen"})),
    )
    proved = [told(text=f"{index}") for index in range(9)]
    assert replay(proved, rule, process=process).standings[KEY].auto
    assert not replay([*proved, told("stolen", text="1")], rule, process=process).standings[KEY].auto


@scene
async def test_old_decisions_are_folded_once_and_young_ones_anew(s: Scene) -> None:
    now = await s.store.now_ms()
    old, young = now - SETTLED_AFTER_MS - 1, now
    await give(s, *[example(at=old)] * 5, *[example(at=young)] * 4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger_examples, "PAGE", 3)
        autonomy = judge(s)
        for _ in range(2):
            assert (await autonomy.standings())[KEY].n == 9
        assert autonomy._earned._settled[0] == 5


@scene
async def test_a_process_that_starts_goes_on_from_what_another_has_folded(s: Scene) -> None:
    """Where it reads decisions alike and people's part is the same; else, and where it is unreadable, all is folded."""
    old = await s.store.now_ms() - SETTLED_AFTER_MS - 1
    await give(s, *[told(text=f"text {n % 6}", blind=n % 2 == 0) for n in range(7)])
    await give(s, example("new_loan", at=old), told(text="text 9"))
    folded = list[str]()
    replayed = standings.replay

    def counting(new: Sequence[Example], *rest: Any) -> Earned:
        folded.extend(each.text for each in new)
        return replayed(new, *rest)

    async def standings_of(reads: str) -> tuple[Any, int]:
        folded.clear()
        return await AutonomyJudge(s.store, TRIAGE, Terms(), reads=reads).standings(), len(folded)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger_examples, "PAGE", 3)
        patch.setattr(standings, "replay", counting)
        found, _ = await standings_of("as they are")
        assert (found[KEY].n, found[KEY].repeats) == (8, 1)
        assert await standings_of("as they are") == (found, 0)
        assert await standings_of("otherwise") == (found, 9)
        assert await standings_of("otherwise") == (found, 0)
        await s.store.put(keys.FOLDS, {"earned": "half of it"})
        assert await standings_of("otherwise") == (found, 9)
        await s.store.put(keys.REVOKED, {json.dumps(["lost_card", old]): json.dumps({"by": "ann", "why": "so"})})
        assert (await standings_of("otherwise"))[1] == 9


@scene
async def test_a_proved_label_is_decided_alone_but_for_the_audit(s: Scene) -> None:
    await give(s, *[example()] * 4)
    easy = Terms(rule=standings.Rule(target=0.5, error=0.5))
    sure = await judge(s, terms=easy).judge(KEY, may_act=True)
    assert (sure.auto, sure.blind) == (True, False)
    assert "agreed" in sure.why
    audited = await judge(s, dice=0.01, terms=easy).judge(KEY, may_act=True)
    assert (audited.auto, audited.blind) == (False, True)
    held = await judge(s, terms=easy).judge(KEY, may_act=False)
    assert not held.auto


@scene
async def test_another_version_another_tier_and_another_label_have_earned_nothing(s: Scene) -> None:
    await give(s, *[example()] * 4)
    autonomy = judge(s, terms=Terms(rule=standings.Rule(target=0.5, error=0.5)))
    assert (await autonomy.judge(KEY, may_act=True)).auto
    for other in (Key("lost_card", "small", "v2"), Key("lost_card", "big", "v1"), Key("new_loan", "small", "v1")):
        assert not (await autonomy.judge(other, may_act=True)).auto


@scene
async def test_rows_show_the_versions_in_force(s: Scene) -> None:
    await give(s, example(), example(version="v2"), example("new_loan", "loans", label="new_loan", team="loans"))
    rows = await judge(s).rows({"small": ["v1"]})
    assert [(row.kind, row.version, row.state, row.n, row.agreements) for row in rows] == [
        ("lost_card", "v1", "suggest", 1, 1),
        ("new_loan", "v1", "suggest", 1, 1),
    ]
    assert len(await judge(s).rows()) == 3


def test_a_missed_team_and_a_confused_pair_are_severe() -> None:
    process = Triage(TAXONOMY, severe_mistakes=frozenset({"fraud", "lost_card>stolen_card"}))
    assert observe(read(example("scam", "fraud")), process).severe
    assert observe(read(example("stolen_card", "cards")), process).severe
    assert not observe(read(example("new_loan", "loans")), process).severe
    assert not observe(read(example("scam", "fraud", team="fraud")), process).severe


def test_agreement_can_be_asked_of_the_team_alone() -> None:
    other_label = read(example("stolen_card", "cards"))
    assert not observe(other_label, TRIAGE).agreed
    assert observe(other_label, Triage(TAXONOMY, agree_on="team")).agreed


@scene
async def test_what_is_revoked_is_decided_by_people_at_once_and_earned_again_from_nothing(s: Scene) -> None:
    terms = Terms(standings.Rule(target=0.5, error=0.2))
    at_work, other = judge(s, terms=terms), judge(s, terms=terms)
    before = await s.store.now_ms()
    await give(s, *(told(at=before, text=f"first {number}") for number in range(8)))
    assert (await at_work.judge(KEY, may_act=True)).auto
    await other.revoke("lost_card", "olga", "a fraud wave")
    judgement = await at_work.judge(KEY, may_act=True)
    assert (judgement.auto, judgement.blind) == (False, False)
    standing = (await at_work.standings())[KEY]
    assert (standing.n, standing.promotions, standing.why) == (0, 1, "revoked by olga: a fraud wave")
    with pytest.raises(ValueError, match="nothing to revoke"):
        await other.revoke("lost_card", "olga", "again")
    after = standing.since_ms + 1
    await give(s, *(told(at=after, text=f"then {number}") for number in range(20)))
    again = (await at_work.standings())[KEY]
    assert (again.auto, again.promotions) == (True, 2)
    assert again.agreements > 8, "twice the proof"
    assert (await judge(s, terms=terms).standings())[KEY] == again, "folded anew it is the same"
