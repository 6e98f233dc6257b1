"""A deployment that knows a person: what they wrote and what was written about them is in every place there is."""

import base64
import json
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fallbacks.erasure.stored import read_ticket
from fallbacks.history.facts import entry_of
from fallbacks.history.port import History
from fallbacks.inbox.conversations import Bounds, Conversations, Kept
from fallbacks.ledger.attachments import packed_texts
from fallbacks.ledger.ledger import Conclusion
from fallbacks.ledger.limits.control import Control
from fallbacks.store import keys
from fallbacks.store.redis_store import RedisStore
from tasks.conversation import Message
from tasks.run import events as ev
from tasks.run.limits import Limits
from tasks.ticket import Attachment, Priority, Requester, Ticket
from tasks.tools.ports import AttachmentText
from tasks.triage.process import HandDecision
from tests.fallbacks.scene import DECISION, MODEL, TRIAGE, Scene

MARIA = Requester(id="cust-4711", email="Maria.Planted-zx@example.org", name="Maria zxname Planted")
TICKETS = 13


@dataclass
class Planted:
    """strings: what must go. store: the namespace of one test."""

    scene: Scene
    store: RedisStore
    history: History
    strings: list[str] = field(default_factory=list)

    def plant(self, what: str) -> str:
        """A text of its own. Lower case letters and digits: as every index has them."""
        number = len(self.strings)
        self.strings.append(f"zx{number:04d}q{hash_of(what, number)}{''.join(what.split())[:12].lower()}")
        return f"{what} {self.strings[-1]}"

    async def fill(self) -> None:
        """Tickets of Maria at every point of their life, and one of somebody else that quotes her."""
        self.strings += ["cust-4711", "Maria.Planted-zx@example.org", "maria.planted-zx@example.org", "zxname"]
        for number in range(TICKETS):
            await self._worked(f"m{number}")
        await self.scene.inbox.approve("m0", "ann", None)
        await self._corrected("m1")
        await self._conversation("m2")
        await self.scene.inbox.resume("m3", "ann", None, self.plant("hint"), Limits())
        for number in (4, 5):
            await self.scene.inbox.approve(f"m{number}", "ann", None)
            await self._leaves(f"m{number}")
        await self._other("other-live", "m0")
        await self._other("other-ended", "m4")
        await self.scene.inbox.approve("other-ended", "ann", None)
        await self._leaves("other-ended")
        await self.store.run("answer", "", "digest", self.plant("reused answer"), 10**9)
        await self.store.run("thread", "", "mail-1@example.org", "m0", 10**9)
        await Control(self.store).changed("ann", "user:x", "did as maria.planted-zx@example.org wanted")
        await self._examples_leave(3)

    async def _worked(self, ticket_id: str) -> None:
        """A ticket with all that a run writes, which waits for a person."""
        subject, body = self.plant("subject"), self.plant("body that is long enough to be known again")
        ticket = Ticket(
            id=ticket_id, source="web", subject=subject, body=body, requester=MARIA,
            metadata={"street": self.plant("street")}, attachments=(Attachment(name=self.plant("file")),),
        )  # fmt: skip
        mail = base64.b64encode(zlib.compress(self.plant("mail").encode())).decode()
        attached = packed_texts({1: AttachmentText(self.plant("attached text"), "")})
        await self.scene.ledger.accept(
            ticket, Limits(), idempotency_key=f"key|{ticket_id}", original=mail, attached=attached
        )
        lease = await self.scene.claim(ticket_id)
        started = ev.StepStarted(1, f"{ticket_id}-1", MODEL, 100)
        opened = ev.ConversationStarted(0, MODEL, opening=f"<ticket>{body}</ticket>")
        found = ev.ContextFetched(json.dumps({"customer": self.plant("customer")}))
        await self.scene.ledger.begin_step(lease, started, (found, opened), run_cap=None, day_cap=None)
        content = ({"type": "text", "text": self.plant("said")},)
        decision = self._decision()
        events = (
            ev.ModelReplied(1, f"{ticket_id}-1", content, "tool_use", 900, 80, 0, 0, 60),
            ev.ToolFinished(1, "c", "lookup", {"q": self.plant("argument")}, self.plant("tool result")),
            ev.RepairAsked(1, "", self.plant("repair")),
            ev.DecisionSubmitted(1, decision),
        )
        await self.scene.ledger.end_step(lease, f"{ticket_id}-1", 60, events, model=MODEL, health="well")
        unaided = {"label": "lost_card", "team": "cards", "tier": MODEL, "version": "v1", "blind": False}
        await self.scene.ledger.suggest(lease, Conclusion((), decision, Priority.NORMAL, unaided=unaided))
        await self.scene.inbox.note(ticket_id, "ann", self.plant("note"))

    def _decision(self) -> dict[str, Any]:
        texts = {"summary": self.plant("summary"), "rationale": self.plant("rationale")}
        return {**DECISION, **texts, "evidence": [self.plant("quote")], "fields": {"order": self.plant("order")}}

    async def _corrected(self, ticket_id: str) -> None:
        await self.scene.inbox.approve(ticket_id, "ann", None)
        hand = HandDecision(label="new_loan", summary=self.plant("corrected summary"))
        await self.scene.inbox.correct(ticket_id, "ben", None, hand, self.plant("reason of a correction"))

    async def _conversation(self, ticket_id: str) -> None:
        talk = Conversations(self.store, TRIAGE, self.scene.inbox.outcomes, Bounds(Limits()))
        message = Message(id=f"{ticket_id}-a", body=self.plant("message"), author=MARIA)
        mail = base64.b64encode(zlib.compress(self.plant("mail of a message").encode())).decode()
        await talk.add(ticket_id, message, door="mail", kept=Kept(original=mail))

    async def _other(self, ticket_id: str, quoted: str) -> None:
        """Somebody else's ticket, whose agent was shown this one as similar."""
        row = await self.store.row(quoted)
        ended = await self.history.find(quoted)
        body = json.loads(row["body"] if row else ended.row["body"] if ended else "{}")
        excerpt = f"{body['subject']} {body['body']}"[:199]
        lease = await self.scene.running(ticket_id)
        found = ev.ContextFetched(json.dumps({"similar_tickets": [{"text": excerpt, "label": "lost_card"}]}))
        opened = ev.ConversationStarted(0, MODEL, opening=f"similar: {excerpt}")
        started = ev.StepStarted(1, f"{ticket_id}-1", MODEL, 100)
        await self.scene.ledger.begin_step(lease, started, (found, opened), run_cap=None, day_cap=None)
        replied = ev.ModelReplied(1, f"{ticket_id}-1", (), "tool_use", 900, 80, 0, 0, 60)
        await self.scene.ledger.end_step(lease, f"{ticket_id}-1", 60, (replied,), model=MODEL, health="well")
        await self.scene.ledger.suggest(lease, Conclusion((), DECISION, Priority.NORMAL))

    async def _leaves(self, ticket_id: str) -> None:
        """Into history, by the script that drops what is there."""
        await self.scene.pass_ms(60_000)
        for message in await self.scene.members("outbox"):
            await self.store.run("settle_outbox", ticket_id, message, "delivered", 0, "")
        ticket = await read_ticket(self.store, ticket_id)
        assert ticket is not None
        await self.history.write([entry_of(ticket, TRIAGE)])
        given = (ticket.row["state"], 1000, ticket_id, ticket.row["version"], "")
        assert await self.store.run("leaving_drop", "", *given) == [ticket_id]

    async def _examples_leave(self, count: int) -> None:
        stored = await self.store.listed(keys.EXAMPLES, 0, count - 1)
        await self.history.add_examples(0, stored)


def hash_of(what: str, number: int) -> str:
    """Letters that stand nowhere else."""
    return f"{zlib.crc32(f'{what} {number}'.encode()):08x}"


def files_with(strings: list[str], *folders: Path) -> dict[str, list[str]]:
    """String -> files that have it, as it is or in another case."""
    found: dict[str, list[str]] = {}
    for path in (path for folder in folders for path in folder.rglob("*") if path.is_file()):
        data = path.read_bytes().lower()
        for string in strings:
            if string.lower().encode() in data:
                found.setdefault(string, []).append(path.name)
    return found
