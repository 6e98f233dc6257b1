"""Over a real cluster the layers above find one ledger, as on one server. What is the same is read from its tests."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from inspect import signature

import pytest

from fallbacks.delivery.alerts import AlertDesk
from fallbacks.errors import IdempotencyConflict, SourceLimited
from fallbacks.ledger.ledger import Claim, Lease
from fallbacks.ledger.limits.control import DAY_CAP, Control
from fallbacks.ledger.limits.source_caps import SourceCaps
from fallbacks.ledger.states import State
from fallbacks.ledger.sums.audit import AuditReport, audit
from fallbacks.store import keys
from fallbacks.store.cluster.redis_link import RedisLink
from fallbacks.store.cluster.store import ClusterStore
from fallbacks.store.redis_url import read_redis_url
from tasks.errors import StepRefused
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.limits import Limits
from tests.depth import DEEP
from tests.fallbacks.conftest import on_server
from tests.fallbacks.inbox import test_inbox_contract as inbox
from tests.fallbacks.inbox import test_rotation_contract as rotation
from tests.fallbacks.ledger import test_accepting as accepting
from tests.fallbacks.ledger import test_breaker as breaker
from tests.fallbacks.ledger import test_caps as caps
from tests.fallbacks.ledger import test_ledger_contract as ledger
from tests.fallbacks.ledger import test_ledger_moves_contract as moves
from tests.fallbacks.ledger import test_source_budgets_contract as sources
from tests.fallbacks.scene import MODEL, Scene, ticket
from tests.services.cluster import Cluster, begin_move, end_move

TICKETS = [f"t{n:02}" for n in range(12)]
SOURCE_OF = {name: ("shop", "mail")[n % 2] for n, name in enumerate(TICKETS)}


def _givens(story: Callable[..., None]) -> list[dict[str, object]]:
    """What a story is parametrized with, by one name at most."""
    marks = [mark for mark in getattr(story, "pytestmark", ()) if mark.name == "parametrize"]
    return [{mark.args[0]: value} for mark in marks for value in mark.args[1]] or [{}]


KEPT = [
    caps.test_the_day_cap_spans_the_fleet_and_what_it_only_reserved,
    caps.test_zero_is_a_cap_and_none_is_none,
    caps.test_the_kill_switch_is_looked_at_before_every_step,
    breaker.test_the_breaker_opens_after_five_failures_for_the_whole_fleet,
    breaker.test_a_half_open_breaker_lets_one_probe_through,
    moves.test_a_hand_off_writes_state_inbox_alert_and_outbox_together,
    moves.test_a_zombie_writes_nothing_after_its_ticket_went_on,
    rotation.test_what_comes_in_goes_to_who_has_least_and_then_to_who_got_one_longest_ago,
    rotation.test_who_is_away_is_given_nothing_and_hands_over_what_is_theirs,
    sources.test_a_source_over_its_day_waits_for_the_next_and_others_go_on,
    sources.test_a_month_is_the_sum_of_its_days,
    sources.test_a_cap_set_at_run_time_goes_before_the_settings_and_sends_on_what_waits,
    sources.test_one_too_many_a_minute_waits_its_turn_or_is_refused_and_a_resend_counts_nothing,
]

STORIES = [
    pytest.param(story, given, id="-".join(map(str, (name, *given.values()))))
    for module in (accepting, ledger, caps, breaker, moves, inbox, rotation, sources)
    for name, story in vars(module).items()
    if name[:5] == "test_" and [*signature(story).parameters][:1] == ["play"]
    for given in _givens(story)
]


@pytest.mark.parametrize("story", KEPT, ids=lambda story: story.__name__)
def test_what_holds_on_one_server_holds_here(story: Callable[[object], None], cluster_url: str) -> None:
    story(on_server(cluster_url))


@pytest.mark.parametrize(("story", "given"), STORIES if DEEP else STORIES[::8])
def test_all_that_holds_on_one_server_holds_here(
    story: Callable[..., None], given: dict[str, object], cluster_url: str
) -> None:
    story(on_server(cluster_url), **given)


def over(url: str, story: Callable[[Scene, Scene], Awaitable[None]]) -> None:
    """Play with two processes of one ledger."""

    async def played() -> None:
        one, other = (ClusterStore(RedisLink(read_redis_url(url))) for _ in range(2))
        try:
            await story(Scene(one), Scene(other))
        finally:
            await one.aclose()
            await other.aclose()

    asyncio.run(played())


async def refused(scene: Scene, lease: Lease, worst: int, call: str, cap: int) -> bool:
    try:
        await scene.begin(lease, worst, call, day_cap=cap)
    except StepRefused as refusal:
        return refusal.reason is Reason.DAILY_BUDGET
    return False


async def balanced(scene: Scene) -> AuditReport:
    report = await audit(scene.store)
    assert report.problems == ()
    return report


def test_the_day_is_spent_to_the_last_and_never_beyond_it(cluster_url: str) -> None:
    async def story(one: Scene, other: Scene) -> None:
        leases = [await one.running(name) for name in TICKETS]
        scenes = [one, other] * 6
        for turn in range(3):
            tries = [refused(by, lease, 10, f"c{turn}", 250) for by, lease in zip(scenes, leases, strict=True)]
            went = [lease for lease, over in zip(leases, await asyncio.gather(*tries), strict=True) if not over]
            await asyncio.gather(*(one.end(lease, 10, f"c{turn}") for lease in went))
        assert await one.day() == (250, 0), "25 of 36 steps: what a shard does not use others may"
        await Control(one.store).change("ann", {DAY_CAP: "255"})
        assert await refused(other, leases[0], 6, "d", 250)
        assert not await refused(other, leases[0], 5, "e", 250)
        await Control(other.store).change("ann", {DAY_CAP: "100"})
        assert await refused(one, leases[1], 1, "f", 250)
        assert (await balanced(one)).spent == 250

    over(cluster_url, story)


def test_a_source_spends_its_budgets_to_the_last_and_never_beyond_them(cluster_url: str) -> None:
    """Two sources, one of them under a cap of the day and one of the month, and the day's own over both."""

    async def story(one: Scene, other: Scene) -> None:
        caps = {"shop": SourceCaps(day=125), "mail": SourceCaps(month=85)}
        leases = {name: await one.running(name, source=source) for name in TICKETS for source in [SOURCE_OF[name]]}

        async def took(scene: Scene, name: str, call: str) -> bool:
            started = ev.StepStarted(1, call, MODEL, 10)
            try:
                await scene.ledger.begin_step(
                    leases[name], started, (), run_cap=None, day_cap=1000, source=caps[SOURCE_OF[name]]
                )
            except StepRefused as refusal:
                refusals.add(refusal.reason)
                return False
            return True

        refusals = set[Reason]()
        spent = dict.fromkeys(caps, 0)
        for turn in range(5):
            tries = [took(by, name, f"c{turn}") for by, name in zip([one, other] * 6, TICKETS, strict=True)]
            went = [name for name, ok in zip(TICKETS, await asyncio.gather(*tries), strict=True) if ok]
            await asyncio.gather(*(one.end(leases[name], 10, f"c{turn}") for name in went))
            for name in went:
                spent[SOURCE_OF[name]] += 10
        assert spent == {"shop": 120, "mail": 80}, "what a shard does not use others may"
        day = await one.store.fields(keys.day(str(await one.store.now_ms() // 86_400_000)))
        assert {name: int(day[f"spent|{name}"]) for name in caps} == spent
        assert sum(int(value) for name, value in day.items() if name.startswith("reserved|")) == 0
        assert await one.day() == (200, 0)
        await Control(other.store).change("ann", {f"{DAY_CAP}:shop": "130"})
        assert await took(one, TICKETS[0], "d")
        await Control(one.store).change("ann", {f"{DAY_CAP}:shop": "60"})
        assert not await took(other, TICKETS[2], "e")
        assert refusals == {Reason.SOURCE_BUDGET}
        await one.end(leases[TICKETS[0]], 10, "d")
        assert (await balanced(one)).spent == 210

    over(cluster_url, story)


def test_of_a_source_no_more_than_its_rate_come_at_once_whichever_shards_they_are_in(cluster_url: str) -> None:
    async def story(one: Scene, other: Scene) -> None:
        for scene in (one, other):
            scene.ledger.rates = {"mail": 5}
        scenes = [one, other] * 6
        taken = [scene.ledger.accept(ticket(name), Limits()) for scene, name in zip(scenes, TICKETS, strict=True)]
        states = [accepted.state for accepted in await asyncio.gather(*taken)]
        assert sorted(states) == [State.PARKED] * 7 + [State.QUEUED] * 5
        again = [scene.ledger.accept(ticket(name), Limits()) for scene, name in zip(scenes, TICKETS, strict=True)]
        assert not any(accepted.created for accepted in await asyncio.gather(*again))
        with pytest.raises(SourceLimited):
            await other.ledger.accept(ticket("one-too-many"), Limits(), refuse=True)
        assert await one.row("one-too-many") == {}

    over(cluster_url, story)


def test_money_that_was_lent_and_not_heard_of_is_lent_once(cluster_url: str) -> None:
    async def story(one: Scene, other: Scene) -> None:
        lease = await one.running("t1")
        assert isinstance(one.store, ClusterStore)
        parts, day = (await one.store.opened()).parts, str(await one.store.now_ms() // 86_400_000)
        await one.begin(lease, 10, day_cap=1000)
        await one.end(lease, 10)
        for _ in range(3):  # a worker that dies each time before it hands over what it was lent
            await parts.home.script("allot_draw", "", day, parts.of("t1").name, 1000, 900, 10, 0, len(parts.shards))
        assert not await refused(other, lease, 990, "c2", 1000)
        assert int((await parts.home.fields(keys.allotments(day)))["total"]) <= 1000

    over(cluster_url, story)


def test_a_key_makes_one_ticket_whichever_shard_its_ticket_is_in(cluster_url: str) -> None:
    async def story(one: Scene, other: Scene) -> None:
        async def sent(by: Scene, own: str, body: str = "I lost my card") -> tuple[str, bool]:
            accepted = await by.ledger.accept(ticket(own, body), Limits(), idempotency_key="k1")
            return accepted.id, accepted.created

        found = await asyncio.gather(*(sent(by, name) for by, name in zip([one, other] * 6, TICKETS, strict=True)))
        assert len({name for name, _ in found}) == 1
        assert sum(created for _, created in found) == 1
        with pytest.raises(IdempotencyConflict):
            await sent(one, "t99", "another body")
        assert (await balanced(one)).rows == 1

    over(cluster_url, story)


def test_a_requesters_tickets_and_the_inbox_are_in_order_over_all_shards(cluster_url: str) -> None:
    async def story(one: Scene, other: Scene) -> None:
        for name in TICKETS:
            await one.running(name, requester={"id": "r1", "email": "a@example.org"})
        assert await one.store.listed(keys.requester("r1"), 0, 19) == TICKETS[::-1]
        leases = [Lease(name, 1, "w1") for name in TICKETS]
        for lease in leases:
            await one.hand_off(lease)
        pages = [await other.inbox.page(offset=at, limit=5) for at in (0, 5, 10)]
        assert [view.id for page in pages for view in page.items] == TICKETS
        assert [page.total for page in pages] == [12, 12, 12]
        served = await asyncio.gather(*(by.inbox.next(f"p{n}") for n, by in enumerate([one, other] * 6)))
        assert sorted(view.id for view in served if view) == sorted(TICKETS), "nobody is served what another has"
        assert [name for name, _ in await one.store.ranked(keys.INBOX, 4, 7)] == TICKETS[4:8]

    over(cluster_url, story)


def test_the_urgent_goes_first_whichever_shard_a_message_names(cluster_url: str) -> None:
    async def story(one: Scene, other: Scene) -> None:
        for name in TICKETS[:6]:
            await one.accept(name)
        await one.accept("now", priority="urgent")
        claims = [await other.ledger.claim(name, "w1", hint=True) for name in TICKETS[:6]]
        order = [claim.lease.ticket_id for claim in claims if isinstance(claim, Claim)]
        assert order[0] == "now"
        last = await other.ledger.claim("now", "w1", hint=True)
        assert isinstance(last, Claim)
        assert sorted((*order, last.lease.ticket_id)) == sorted(("now", *TICKETS[:6])), (
            "a message whose own line is empty"
        )

    over(cluster_url, story)


def test_as_many_messages_as_tickets_take_each_of_them(cluster_url: str) -> None:
    names = [f"m{number}" for number in range(320)]

    async def story(one: Scene, _other: Scene) -> None:
        await asyncio.gather(*(one.accept(name) for name in names))
        claims: list[Claim | str] = []
        for start in range(0, len(names), 64):
            lot = names[start : start + 64]
            claims += await asyncio.gather(*(one.ledger.claim(name, "w1", hint=True) for name in lot))
        assert {claim.lease.ticket_id for claim in claims if isinstance(claim, Claim)} == set(names)

    over(cluster_url, story)


class Sink:
    """Keeps what it is sent."""

    name = "sink"

    def __init__(self) -> None:
        self.counts: list[int] = []

    async def send(self, alert: object) -> None:
        self.counts.append(getattr(alert, "count", 0))


def test_a_storm_over_all_shards_is_one_alert(cluster_url: str) -> None:
    async def story(one: Scene, other: Scene) -> None:
        for name in TICKETS:
            await one.handed_off(name)
        await one.pass_ms(3_001)
        sink = Sink()
        desks = [AlertDesk(by.store, (sink,), 900) for by in (one, other)]
        await asyncio.gather(*(desk.send_due() for desk in desks))
        assert sink.counts == [12]
        report = await balanced(one)
        assert (report.alerts_raised, report.alerts_told, report.alerts_pending) == (12, 12, 0)

    over(cluster_url, story)


def test_a_persons_decision_is_evidence_once_and_an_undo_takes_it_back(cluster_url: str) -> None:
    async def story(one: Scene, other: Scene) -> None:
        for name in TICKETS[:4]:
            await one.inbox.approve(name, "ann", await one.suggested(name))
        assert isinstance(one.store, ClusterStore)
        opened = await one.store.opened()
        first, count, lines = await one.store.run("examples", "", 0, 10)
        assert (int(first), count) == (0, 4), "who wrote it reads it at once"
        assert [json.loads(line)["id"] for line in lines] == TICKETS[:4]
        await other.inbox.undo("t01", "ann", await one.version("t01"))
        await asyncio.gather(*(opened.passing.take_all_on() for _ in range(3)))
        _, _, left = await one.store.run("examples", "", 0, 10)
        assert [json.loads(line)["id"] for line in left] == ["t00", "t02", "t03"]

    over(cluster_url, story)


def test_a_slot_on_its_way_holds_its_tickets_and_loses_none(cluster: Cluster, cluster_url: str) -> None:
    async def story(one: Scene, other: Scene) -> None:
        lease = await one.running("t1")
        assert isinstance(one.store, ClusterStore)
        slot = (await one.store.opened()).parts.of("t1").slot
        source = cluster.serving(slot)
        to = next(node for node in cluster.masters if node is not source)
        await asyncio.to_thread(begin_move, source, to, slot)
        stepping = asyncio.ensure_future(one.begin(lease, 10))
        adding = asyncio.ensure_future(other.accept("t1"))
        await asyncio.wait({stepping, adding}, timeout=0.2)
        assert [stepping.done(), adding.done()] == [False, False]
        counting = asyncio.ensure_future(one.store.sizes([keys.in_state(State.RUNNING)]))
        await asyncio.to_thread(end_move, source, to, slot)
        await asyncio.gather(stepping, adding)
        assert await counting == [1]
        assert await one.types("t1") == ["accepted", "claimed", "step_started"]
        await balanced(other)

    over(cluster_url, story)
