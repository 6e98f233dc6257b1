"""Record the journals of this release: `python -m tests.fallbacks.ledger.journals > .../journals/vN.jsonl`.

Real runs on a real Valkey, with every type of event there is. One line a ticket: {journal, checkpoint}.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fallbacks.autonomy.standing import Judgement, Key
from fallbacks.delivery.outcomes import OutcomeWriter
from fallbacks.erasure.erasure import Erasure
from fallbacks.erasure.whom import Whom
from fallbacks.history.ed25519_seals import Ed25519Sealer
from fallbacks.inbox.conversations import Bounds, Conversations
from fallbacks.inbox.inbox import Inbox
from fallbacks.ledger.ledger import Lease, Ledger
from fallbacks.ledger.states import Closed
from fallbacks.store.redis_store import RedisStore
from tasks.conversation import Message
from tasks.errors import ModelError
from tasks.reasons import Reason
from tasks.run.approval import Ask
from tasks.run.limits import Limits
from tasks.run.messages import ModelRequest
from tasks.run.tool import Effect, Tool
from tasks.ticket import Ticket
from tasks.triage.process import HandDecision
from tests.fakes.desk import TICKET, TRIAGE, Workshop, search, submit
from tests.fakes.executors import executor
from tests.fakes.scripted_model import Said, ScriptedModel, hang, reply, text, tool_use
from tests.fallbacks.ledger.journals.reading import folded
from tests.services.valkey import ValkeyServer
from worker.models.tier import Tier
from worker.work.executor import Executor

OVERLOADED = ModelError(Reason.MODEL_OVERLOADED, "529", maybe_paid=False)
LIMITS = Limits(max_cost_nanodollars=1_000_000, max_seconds=None)


class Recorder:
    """One office: each ticket is worked by models of its own."""

    def __init__(self, store: RedisStore) -> None:
        self.store = store
        self.ledger = Ledger(store, TRIAGE, lease_ms=5000)
        self.inbox = Inbox(store, TRIAGE, OutcomeWriter(wanted=False))
        self.tools: Mapping[str, Tool] = Workshop().tools()

    async def accept(self, ticket_id: str) -> None:
        ticket = Ticket(id=ticket_id, source="recorder", subject="", body=TICKET.body)
        await self.ledger.accept(ticket, LIMITS)

    async def work(self, ticket_id: str, *scripts: Sequence[Said], auto: bool = False) -> str:
        """Work it once. scripts: what each tier's model says."""
        executor = self.executor(*scripts, auto=auto)
        return await executor.triage(ticket_id)

    def executor(self, *scripts: Sequence[Said], auto: bool = False) -> Executor:
        async def judge(_: Key) -> Judgement:
            return Judgement(auto=auto, blind=False, why="as the recording wants it")

        tiers = [ScriptedModel(script, name=f"tier-{place}") for place, script in enumerate(scripts)]
        return executor(
            self.ledger,
            tuple(Tier(model, 0.5) for model in tiers),
            owner="recorder:1",
            tools=self.tools,
            judge=judge,
        )

    async def due(self, ticket_id: str) -> None:
        """What it waits for is over, or its worker is not heard of any more."""
        await self.store.redis.zadd(f"{self.store.prefix}due", {ticket_id: 0})
        await self.store.redis.delete(f"{self.store.prefix}breaker:tier-0")
        await self.ledger.sweep(limit=9, max_losses=3)

    async def lease(self, ticket_id: str) -> Lease:
        row = await self.store.row(ticket_id)
        return Lease(ticket_id, int(row["epoch"]), row["owner"])


async def people(r: Recorder) -> None:
    """Tools, an effect, a repair, a suggestion, a hint, a decision, an undo."""
    await r.accept("people")
    refund = tool_use("r1", "refund", {"query": "twice"})
    await r.work("people", [reply(search("a")), reply(refund), reply(text("It is billing.")), reply(submit())])
    view = await r.inbox.next("ann")
    assert view is not None
    await r.inbox.note("people", "ann", "looks right")
    await r.inbox.resume("people", "ann", None, "ask again", LIMITS)
    await r.work("people", [reply(submit("s2", confidence=0.8))])
    view = await r.inbox.decide("people", "ann", None, HandDecision(label="password_reset"))
    await r.inbox.undo("people", "ann", view.version)
    await r.inbox.approve("people", "ann", None)


async def trouble(r: Recorder) -> None:
    """A provider in trouble: parked; a tier that is not sure, and the next one, which decides alone."""
    await r.accept("trouble")
    while await r.work("trouble", [OVERLOADED, OVERLOADED]) != "parked":
        await r.due("trouble")
    await r.due("trouble")
    await r.work("trouble", [reply(submit(confidence=0.3))], [reply(submit())], auto=True)


async def retried(r: Recorder) -> None:
    """A reply that is worth another try at once."""
    await r.accept("retried")
    await r.work("retried", [ModelError(Reason.MODEL_TIMEOUT, "slow", maybe_paid=True), reply(submit())])


async def lost(r: Recorder) -> None:
    """A worker that vanishes in a call; one that drains; a ticket withdrawn."""
    await r.accept("lost")
    called = asyncio.Event()

    async def vanish(request: ModelRequest) -> Any:
        called.set()
        return await hang(request)

    vanished = asyncio.ensure_future(r.work("lost", [vanish]))
    await called.wait()
    await r.due("lost")
    vanished.cancel()
    await asyncio.wait([vanished])
    claim = await r.ledger.claim("lost", "recorder:2")
    assert not isinstance(claim, str)
    await r.ledger.release(claim.lease, (), "the worker is stopping")
    await r.work("lost", [reply(text("no")), reply(text("no"))])
    await r.inbox.cancel("lost", "ann")


async def unreadable(r: Recorder) -> None:
    """What is no ticket."""
    await r.ledger.reject("unreadable", "e30=", "source: Field required", "intake")


async def closed(r: Recorder) -> None:
    """What a machine sent."""
    ticket = Ticket(id="closed", source="recorder", subject="Automatic reply", body=TICKET.body)
    await r.ledger.accept(ticket, LIMITS, closed=Closed.AUTOMATIC, detail="automatic answer")


async def conversation(r: Recorder) -> None:
    """What is added: while it waits for a person, and after a decision, which stands; and thanks."""
    talk = Conversations(r.store, TRIAGE, OutcomeWriter(wanted=False), Bounds(LIMITS))
    await r.accept("conversation")
    await r.work("conversation", [reply(submit())])
    await talk.add("conversation", Message(id="m1", body="It was twice, not once."), door="http")
    await r.work("conversation", [reply(submit("s2"))])
    await r.inbox.approve("conversation", "ann", None)
    await talk.add("conversation", Message(id="m2", body="Any news?"), door="mail")
    await r.work("conversation", [reply(submit("s3"))])
    await talk.add("conversation", Message(id="m3", body="Thanks!"), door="mail")
    await r.inbox.correct("conversation", "ann", None, HandDecision(label="password_reset"), "they cannot sign in")


async def calls(r: Recorder) -> None:
    """A call that a person refuses, and one that another changes and approves."""
    r.tools = Workshop().tools(replace(Workshop().tool("refund", Effect.KEYED), approval=Ask.ALWAYS))
    r.inbox.tools = lambda: r.tools
    await r.accept("calls")
    await r.work("calls", [reply(tool_use("r1", "refund", {"query": "twice"}))])
    asked = (await r.inbox.views.ticket("calls")).call
    assert asked is not None
    await r.inbox.reject_call("calls", "ann", None, asked.digest, "once is enough")
    await r.work("calls", [reply(tool_use("r2", "refund", {"query": "one"}))])
    asked = (await r.inbox.views.ticket("calls")).call
    assert asked is not None
    asked = (await r.inbox.edit_call("calls", "ann", None, asked.digest, {"query": "once"})).call
    assert asked is not None
    await r.inbox.approve_call("calls", "eve", None, asked.digest)
    await r.work("calls", [reply(submit())])


async def erased(r: Recorder) -> None:
    """A suggestion that waited, whose texts were erased: what had not ended was cancelled first."""
    await r.accept("erased")
    await r.work("erased", [reply(submit())])
    erasure = Erasure(r.store, None, TRIAGE, Ed25519Sealer(bytes(32)), r.inbox.cancel)
    await erasure.erase(Whom(ticket="erased"), "ann")


STORIES = (people, trouble, retried, lost, unreadable, closed, conversation, calls, erased)


async def record(url: str) -> None:
    store = RedisStore(url)
    try:
        for story in STORIES:
            await story(Recorder(store))
            journal = await store.journal(story.__name__)
            line = {"journal": journal, "checkpoint": folded(journal)}
            sys.stdout.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
    finally:
        await store.aclose()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, ValkeyServer(Path(folder)) as server:
        asyncio.run(record(server.url))
