"""A worker decides alone what people have proved, leaves the audit to them blind, and says why in the journal."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest
import yaml

from fallbacks.ledger.states import State
from fallbacks.ledger.views import TicketView
from tasks.run import events as ev
from tasks.run.limits import Limits
from tasks.ticket import Ticket
from tasks.triage.process import HandDecision
from tests.fakes.memory_store import MemoryStore
from tests.services.optional import LOCAL_MODEL
from worker.config.settings import Settings
from worker.models.local.choice import versions_of
from worker.models.local.learning import compared, version_of
from worker.models.local.training import train
from worker.service.celery_factory import sender_app
from worker.service.renewal import Renewal
from worker.wiring import Parts

pytestmark = LOCAL_MODEL

UNUSED = "redis://127.0.0.1:1/0"

TAXONOMY = {
    "teams": [{"name": "red", "description": "r"}, {"name": "blue", "description": "b"}],
    "labels": [
        {"name": "tomato", "description": "t", "team": "red"},
        {"name": "sky", "description": "s", "team": "blue"},
    ],
}


@dataclass
class Desk:
    """Workers' parts over books in memory, where two agreements prove a label."""

    parts: Parts

    async def work(self, ticket_id: str, body: str = "the tomato is ripe and red") -> TicketView:
        ticket = Ticket(id=ticket_id, source="mail", subject="", body=body)
        await self.parts.ledger.accept(ticket, Limits())
        return await self.again(ticket_id)

    async def again(self, ticket_id: str) -> TicketView:
        await self.parts.executor.triage(ticket_id)
        return await self.parts.views.ticket(ticket_id)

    async def prove(self, count: int = 4) -> None:
        for index in range(count):
            view = await self.work(f"proof{index}", f"the tomato is ripe and red, crate {index}")
            assert view.state is State.SUGGESTED, view
            await self.parts.inbox.approve(view.id, "ann", None)

    async def last(self, ticket_id: str) -> ev.Event:
        return (await self.parts.views.timeline(ticket_id))[-1].event

    def roll(self, dice: float) -> None:
        self.parts.standings._dice = lambda: dice


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desk")
    (folder / "taxonomy.yaml").write_text(yaml.safe_dump(TAXONOMY), "utf-8")
    texts = [(f"the tomato is ripe and red {i}", "tomato") for i in range(10)]
    texts += [(f"a wide blue sky above {i}", "sky") for i in range(10)]
    rows = [json.dumps({"subject": "", "body": body, "label": label}) for body, label in texts]
    (folder / "data.jsonl").write_text("\n".join(rows), "utf-8")
    return folder


@pytest.fixture
def play(files: Path) -> Callable[..., None]:
    def told(story: Callable[[Desk], Awaitable[None]], **fields: Any) -> None:
        given = {
            "autonomy": "auto",
            "min_confidence": 0.5,
            "autonomy_target": 0.5,
            "autonomy_error": 0.6,
            "autonomy_severe": ("blue",),
        }
        settings = Settings(
            home=files,
            model="local",
            taxonomy=files / "taxonomy.yaml",
            training_data=files / "data.jsonl",
            tools=(),
            **given | fields,
        )
        store = MemoryStore()
        parts = Parts(settings, sender_app(settings, UNUSED), UNUSED, lambda _: store)
        desk = Desk(parts)
        desk.roll(0.99)
        asyncio.run(story(desk))  # type: ignore[arg-type]

    return told


def test_a_proved_label_is_decided_alone_and_the_journal_says_why(play: Callable[..., None]) -> None:
    async def story(desk: Desk) -> None:
        first = await desk.work("first")
        assert first.state is State.SUGGESTED
        assert first.unaided is not None
        assert first.unaided["version"] == desk.parts.tiers[0].version
        await desk.parts.inbox.approve("first", "ann", None)
        await desk.prove(1)
        view = await desk.work("alone")
        assert view.state is State.DECIDED
        decided = await desk.last("alone")
        assert isinstance(decided, ev.Decided)
        assert (decided.by, decided.action) == ("agent", "auto")
        assert "2 of 2 agreed" in decided.why

    play(story)


def test_one_mail_sent_a_hundred_times_proves_nothing(play: Callable[..., None]) -> None:
    async def story(desk: Desk) -> None:
        for index in range(100):
            body = "The tomato is ripe\n and RED" if index % 2 else "the tomato is ripe and red"
            view = await desk.work(f"bulk{index}", body)
            assert view.state is State.SUGGESTED
            await desk.parts.inbox.approve(view.id, "ann", None)
        (row,) = await desk.parts.standings.rows()
        assert (row.state, row.n, row.repeats) == ("suggest", 1, 99)
        suggested = await desk.parts.views.timeline("bulk99")
        assert "98 repeated texts not counted" in str(suggested)

    play(story)


def test_the_audit_goes_to_a_person_blind(play: Callable[..., None]) -> None:
    async def story(desk: Desk) -> None:
        await desk.prove(2)
        desk.roll(0.01)
        view = await desk.work("audit")
        assert (view.state, view.blind) == (State.SUGGESTED, True)
        await desk.parts.inbox.decide("audit", "ann", None, HandDecision(label="tomato"))
        (row,) = await desk.parts.standings.rows({"local": [desk.parts.tiers[0].version]})
        assert (row.state, row.blind_n, row.blind_agreements) == ("auto", 1, 1)

    play(story)


def test_a_severe_error_stops_it_at_the_next_ticket(play: Callable[..., None]) -> None:
    async def story(desk: Desk) -> None:
        await desk.prove(2)
        desk.roll(0.01)
        await desk.work("audit")
        await desk.parts.inbox.decide("audit", "ann", None, HandDecision(label="sky"))
        desk.roll(0.99)
        assert (await desk.work("next")).state is State.SUGGESTED

    play(story)


def test_a_ticket_a_person_has_had_a_part_in_comes_back_to_people(play: Callable[..., None]) -> None:
    async def story(desk: Desk) -> None:
        await desk.work("early")
        await desk.prove(2)
        await desk.parts.inbox.resume("early", "ann", None, "it is about vegetables", Limits())
        view = await desk.again("early")
        assert (view.state, view.blind) == (State.SUGGESTED, False)

    play(story)


@pytest.mark.parametrize(("setting", "switch", "alone"), [("suggest", "auto", True), ("auto", "suggest", False)])
def test_the_switch_in_the_ledger_outranks_the_setting(
    play: Callable[..., None], setting: str, switch: str, alone: bool
) -> None:
    async def story(desk: Desk) -> None:
        await desk.parts.store.put("control", {"autonomy": "suggest"})
        await desk.prove(2)
        await desk.parts.store.put("control", {"autonomy": switch})
        assert (await desk.work("t")).state is (State.DECIDED if alone else State.SUGGESTED)

    play(story, autonomy=setting)


def test_another_threshold_earns_its_right_anew(play: Callable[..., None]) -> None:
    versions = []

    async def story(desk: Desk) -> None:
        versions.append(desk.parts.tiers[0].version)

    play(story)
    play(story)
    play(story, min_confidence=0.6)
    assert versions[0] == versions[1] != versions[2]


def test_a_promoted_version_works_from_the_next_ticket_on_and_so_does_the_one_before(
    play: Callable[..., None], files: Path
) -> None:
    """The right that a version has earned is its own: nothing is decided alone by the next one because of it."""

    async def story(desk: Desk) -> None:
        await desk.prove(2)
        renewal, kept, before = Renewal(desk.parts), versions_of(desk.parts.settings), desk.parts.tiers[0].version
        at_work = desk.parts.executor
        assert not await renewal.round()
        rows = [(f"the tomato is ripe and red {n}", "tomato") for n in range(12)]
        rows += [(f"a wide blue sky above {n}", "sky") for n in range(12)]
        won = version_of(compared([True], [False]), 20)
        kept.promote(train(rows, {"tomato": "red", "sky": "blue"}), won)
        assert await renewal.round()
        assert desk.parts.executor is not at_work
        assert desk.parts.tiers[0].version != before
        assert (await desk.work("next")).state is State.SUGGESTED
        beat = await desk.parts.heartbeat(1, ("tickets",))._presence()
        assert beat["models"] == {"local": {"version": desk.parts.tiers[0].version, "made_of": kept.all()[0].name}}
        broken = kept.promote(train(rows[:-1], {"tomato": "red", "sky": "blue"}), won)
        (kept.folder / f"{broken.name}.npz").write_bytes(b"")
        assert not await renewal.round()
        assert desk.parts.tiers[0].made_of == kept.all()[0].name
        kept.rollback()
        kept.rollback()
        assert await renewal.round()
        assert desk.parts.tiers[0].version == before
        assert (await desk.work("again")).state is State.DECIDED

    try:
        play(story)
    finally:
        rmtree(files / "models" / "versions")
