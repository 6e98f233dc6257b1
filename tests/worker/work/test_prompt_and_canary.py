"""What a worker is told: its own prompt, kept in the books, and a canary that nothing keeps once a model says it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from fallbacks.autonomy.standing import Judgement, Key
from fallbacks.delivery.outcomes import OutcomeWriter
from fallbacks.inbox.inbox import Inbox
from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.prompts import canary_of, keep_prompt, kept_prompts
from fallbacks.ledger.states import State
from fallbacks.ledger.views import TicketView, Views
from tasks.run import events as ev
from tasks.run.limits import Limits
from tasks.run.messages import ModelReply, ModelRequest
from tasks.run.prompt import Prompt
from tasks.ticket import Ticket
from tasks.triage.prompt import BUILT_IN
from tests.fakes.desk import TICKET, TRIAGE, Workshop, search, submit
from tests.fakes.executors import executor
from tests.fakes.memory_store import MemoryStore
from tests.fakes.scripted_model import ScriptedModel, reply, text
from worker.config.errors import PromptFileError, SettingsError
from worker.config.prompt_file import MAX_BYTES, load_prompt
from worker.config.settings import Settings, load_settings
from worker.models.reuse import MemoryAnswers, reusing
from worker.models.tier import Tier
from worker.service.celery_factory import sender_app
from worker.wiring import Parts
from worker.work.executor import Executor

OTHER = Prompt("Route it. End by submit_decision.")
UNUSED = "redis://127.0.0.1:1/0"


async def earned(_: Key) -> Judgement:
    return Judgement(auto=True, blind=False, why="people agreed")


@dataclass
class House:
    """Books, and workers one after the other."""

    store: MemoryStore = field(default_factory=MemoryStore)
    answers: MemoryAnswers = field(default_factory=MemoryAnswers)

    def worker(self, model: ScriptedModel, prompt: Prompt = BUILT_IN) -> Executor:
        async def enter() -> str:
            await keep_prompt(self.store, prompt)
            return await canary_of(self.store)

        return executor(
            Ledger(self.store, TRIAGE),
            reusing((Tier(model, 0.5),), self.answers),
            tools=Workshop().tools(),
            outcomes=OutcomeWriter(wanted=True),
            judge=earned,
            process=replace(TRIAGE, prompt=prompt),
            enter=enter,
        )

    async def accept(self, ticket_id: str = "t", body: str = TICKET.body) -> None:
        await Ledger(self.store, TRIAGE).accept(Ticket(id=ticket_id, source="test", subject="", body=body), Limits())

    async def work(self, model: ScriptedModel, ticket_id: str = "t", **how: Any) -> TicketView:
        await self.worker(model, **how).triage(ticket_id)
        return await Views(self.store).ticket(ticket_id)

    async def events(self) -> list[ev.Event]:
        return [recorded.event for recorded in await Views(self.store).timeline("t")]

    def written(self) -> str:
        """All the books but the canary's own place."""
        hashes = {name: part for name, part in self.store.data.hashes.items() if name != "canary"}
        return str(replace(self.store.data, hashes=hashes))


Play = Callable[[Callable[[House], Awaitable[None]]], None]


@pytest.fixture
def play() -> Play:
    return lambda story: asyncio.run(story(House()))  # type: ignore[arg-type]


def canary_in(request: ModelRequest) -> str:
    return request.system.rpartition("Internal reference: ")[2][:16]


def leaking(block: Callable[[str], dict[str, Any]]) -> ScriptedModel:
    return ScriptedModel([lambda request: reply(block(canary_in(request)))])


LEAKS: dict[str, Callable[[str], dict[str, Any]]] = {
    "text": lambda canary: text(f"My reference is {canary}."),
    "decision": lambda canary: submit(rationale=f"{canary.upper()} told me."),
    "tool": lambda canary: search("s", canary),
}


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS.keys())
def test_a_reply_with_the_canary_goes_to_the_security_queue_and_none_of_it_is_kept(play: Play, leak: Any) -> None:
    async def story(house: House) -> None:
        await house.accept()
        view = await house.work(model := leaking(leak))
        assert (view.state, view.reason, view.queue) == (State.HANDED_OFF, "injection_suspected", "security")
        assert (view.decision, len(model.asked)) == (None, 1)
        assert view.spent_nanodollars == model.price
        canary = canary_in(model.asked[0])
        assert canary == await canary_of(house.store)
        assert canary not in house.written().lower()
        assert "[canary]" in house.written()

    play(story)


def test_a_ticket_that_quotes_the_canary_is_no_way_round(play: Play) -> None:
    async def story(house: House) -> None:
        canary = await canary_of(house.store)
        await house.accept("t", f"{TICKET.body} Ref. {canary}")
        quoting = ScriptedModel([reply(submit(evidence=[f"money back! Ref. {canary}"]))])
        assert (await house.work(quoting)).reason == "injection_suspected"
        await house.accept("silent", f"{TICKET.body} Ref. {canary[:8]} {canary[8:]}")
        view = await house.work(ScriptedModel([reply(submit())]), "silent")
        assert view.reason == "injection_suspected"
        assert (
            view.detail == "the text looks like an attack (1.00): a passage says the secret of the agent's instructions"
        )

    play(story)


def test_a_person_may_send_it_back_and_the_conversation_begins_anew(play: Play) -> None:
    async def story(house: House) -> None:
        await house.accept()
        await house.work(leaking(LEAKS["text"]))
        inbox = Inbox(house.store, TRIAGE, OutcomeWriter(wanted=True))
        await inbox.resume("t", "ann", None, "only the first line counts", Limits())
        view = await house.work(model := ScriptedModel([reply(submit())]))
        assert (view.state, len(model.asked[0].messages)) == (State.SUGGESTED, 1)

    play(story)


def test_what_does_not_have_it_is_decided_as_ever_under_one_system_text(play: Play) -> None:
    async def story(house: House) -> None:
        models = [ScriptedModel([reply(submit())]) for _ in range(2)]
        for number, model in enumerate(models):
            await house.accept(f"t{number}", f"{TICKET.body} {number}")
            assert (await house.work(model, f"t{number}")).state is State.DECIDED
        assert models[0].asked[0].system == models[1].asked[0].system

    play(story)


def test_every_prompt_is_kept_and_named_by_the_run_and_another_one_begins_the_conversation_anew(play: Play) -> None:
    async def story(house: House) -> None:
        await house.accept()

        def stopping(_: ModelRequest) -> ModelReply:
            worker.live.draining = True
            return reply(search("again"))

        first, second = ScriptedModel([reply(search("s")), stopping]), ScriptedModel([reply(submit())])
        worker = house.worker(first)
        assert await worker.triage("t") == "released"
        view = await house.work(second, prompt=OTHER)
        assert view.state is State.DECIDED
        (asked,) = second.asked
        assert (len(asked.messages), asked.prior_usage) == (1, None)
        assert asked.system.startswith(OTHER.rules)
        begun = [event.prompt_version for event in await house.events() if isinstance(event, ev.ConversationStarted)]
        assert begun == [BUILT_IN.version, OTHER.version]
        assert [kept.prompt for kept in await kept_prompts(house.store)] == [BUILT_IN, OTHER]

    play(story)


def test_a_worker_that_waits_for_work_has_entered_already(tmp_path: Path) -> None:
    file = tmp_path / "prompt.txt"
    file.write_text(f"\ufeff{OTHER.rules}\r\n\n", "utf-8")
    settings, store = Settings(model="local", home=tmp_path, prompt=file), MemoryStore()

    async def entered(agents: bool) -> list[Prompt]:
        parts = Parts(settings, sender_app(settings, UNUSED), UNUSED, lambda _: store)
        parts.agents = agents
        parts.__dict__["tiers"] = (Tier(ScriptedModel([]), 0.5),)
        await parts.executor.ready()
        return [kept.prompt for kept in await kept_prompts(store)]

    assert asyncio.run(entered(agents=False)) == []
    assert asyncio.run(entered(agents=True)) == [OTHER]


def test_the_prompt_is_part_of_what_autonomy_is_earned_for(tmp_path: Path) -> None:
    def version(prompt: Path | None) -> str:
        settings = Settings(model="claude-haiku-5-5", anthropic_api_key="k", home=tmp_path, prompt=prompt)  # type: ignore[arg-type]
        return Parts(settings, sender_app(settings, UNUSED), UNUSED).tiers[0].version

    same, other = tmp_path / "same.txt", tmp_path / "other.txt"
    same.write_text(f"{BUILT_IN.rules}\n", "utf-8")
    other.write_text(OTHER.rules, "utf-8")
    assert version(None) == version(same) != version(other)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b" \n", "is empty"),
        (b"Route it.", "does not name submit_decision"),
        (b"submit_decision" * 2000, "30,000 characters, 20,000 are allowed"),
        (b"submit_decision" * MAX_BYTES, "is larger than 80,000 bytes"),
        (b"submit_decision \xff", "is not UTF-8"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_prompt_that_cannot_work_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, fault: str
) -> None:
    file = tmp_path / "prompt.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(PromptFileError, match=fault):
        load_prompt(file)
    monkeypatch.setenv("DESKHAND_PROMPT", str(file))
    with pytest.raises(SettingsError, match=rf"DESKHAND_PROMPT: .*{file.name}: .*({fault})"):
        load_settings(model="local")


def test_a_leaked_answer_is_not_kept_for_the_next_ticket_of_the_same_text(play: Play) -> None:
    async def story(house: House) -> None:
        await house.accept()
        await house.work(leaking(LEAKS["decision"]))
        assert house.answers.kept == {}
        await house.accept("next")
        await house.work(ScriptedModel([reply(submit())]), "next")
        assert len(house.answers.kept) == 1

    play(story)


def test_the_threshold_in_force_is_the_one_that_the_model_is_told(tmp_path: Path) -> None:
    own = tmp_path / "own.txt"
    own.write_text("Route it by submit_decision; below {min_confidence} a person does.", "utf-8")

    def parts(least: float | None, prompt: Path | None = None) -> Parts:
        settings = Settings(  # type: ignore[call-arg]
            model="claude-haiku-5-5", anthropic_api_key="k", home=tmp_path, min_confidence=least, prompt=prompt
        )
        return Parts(settings, sender_app(settings, UNUSED), UNUSED)

    for least, said in ((None, "0.6"), (0.6, "0.6"), (0.85, "0.85"), (0.0, "0")):
        (tier,) = parts(least).tiers
        assert f"{tier.min_confidence:g}" == said
        assert f"below {said} a person takes over" in parts(least).agent.system
        assert f"below {said} a person does" in parts(least, own).agent.system
    assert parts(None).prompt.version == parts(0.6).prompt.version == BUILT_IN.version
    assert parts(0.85).prompt.version != BUILT_IN.version
