"""Known-answer probes: suggestions that are known to be wrong, to see whether people read before they approve.

A probe copies a ticket whose suggestion a person approved before, under another id and with a plain mistake in it.
Nothing leaves because of it: no outcome, no example, no evidence of autonomy. It is an ordinary ticket of the ledger.
A share of them shows what was approved once more: how often a second person changes it says how much people slip.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from random import Random, SystemRandom
from typing import Any, assert_never

from fallbacks.autonomy.noise import CAUGHT, CHANGED, MISSED, SAME, counter
from fallbacks.errors import Stale, UnknownTicket
from fallbacks.history.port import History
from fallbacks.inbox.people import of_person
from fallbacks.ledger.acts import Act
from fallbacks.ledger.ledger import Claim, Conclusion, Ledger, new_id
from fallbacks.ledger.move import ByPerson, Move, make_move
from fallbacks.ledger.past.examples import Example, Examples
from fallbacks.ledger.states import ENDED, INBOX, State
from fallbacks.ledger.views import Views
from fallbacks.store import keys
from fallbacks.store.port import Store
from tasks.errors import LeaseLost
from tasks.run import events as ev
from tasks.run.limits import Limits
from tasks.run.process import Process
from tasks.ticket import Priority, Ticket, read_stored

OWNER = "prober"
"""Who judges probes, as their timelines name it."""

AGAIN = 0.5
"""The share of probes that shows once more what a person had approved."""

LATELY_MS = 30 * 24 * 3600 * 1000
"""A ticket is not copied twice within this time: people would know it again."""

LOOK_BACK = 1000
"""How many of the latest examples a probe is chosen from."""

QUEUE = "probes"
"""What they are claimed from: no queue of a worker, so that holding one holds no probe."""

STALLED_MS = 600_000
"""Lease and first sweep of a probe in the making: longer than a round, so that no worker ever takes one."""

TURN_SECONDS = 30
"""One process in so many seconds keeps the probes up: several at once would make too many."""


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """What is known of a probe. wrong: the key of what is suggested. source: the ticket it copies.

    again: what is suggested was approved before, and is not wrong.
    """

    wrong: str
    source: str
    again: bool = False

    def verdict(self, decided: str) -> str:
        """What a person's decision, by its key, makes of it."""
        stood = decided == self.wrong
        if self.again:
            return SAME if stood else CHANGED
        return MISSED if stood else CAUGHT

    def to_json(self) -> str:
        """As the hash keeps it."""
        return json.dumps({"wrong": self.wrong, "source": self.source, "again": self.again})


@dataclass(frozen=True, slots=True)
class Known:
    """A ticket that can be copied. decision: as a person approved it. age_ms: since it was accepted."""

    ticket: Ticket
    decision: dict[str, Any]
    age_ms: int


async def is_probe(store: Store, ticket_id: str) -> bool:
    """Whether an item is a probe that is not judged yet; until then nothing may leave because of it."""
    return ticket_id in await store.fields(keys.PROBES)


class Probes:
    """Keeps probes waiting among the items, and judges the answers. share: of the waiting items, 0..0.05.

    worker: under whose name they are claimed: any other would give them away in every timeline. again: the share of
    them that shows what was approved before. history: where tickets are that have left the store.
    """

    def __init__(
        self,
        store: Store,
        process: Process,
        share: float,
        worker: str = OWNER,
        dice: Random | None = None,
        again: float = AGAIN,
        history: History | None = None,
    ) -> None:
        self.store = store
        self.views = Views(store, history)
        self.ledger = Ledger(store, process, STALLED_MS, STALLED_MS)
        self.process = process
        self.share = share
        self.worker = worker
        self.again = again
        self._dice = dice or SystemRandom()

    async def take_turn(self) -> int:
        """Keep up, unless another process has just done so."""
        return await self.keep_up() if await self.store.tick(keys.PROBES_TURN, TURN_SECONDS) == 1 else 0

    async def keep_up(self) -> int:
        """Judge what was answered, clear what was left half made, make what is missing. Returns how many were made."""
        answers = {probe_id: _answer(stored) for probe_id, stored in (await self.store.fields(keys.PROBES)).items()}
        waiting = 0
        for probe_id, answer in answers.items():
            waiting += await self._followed(probe_id, answer)
        (items,) = await self.store.sizes([keys.INBOX])
        missing = int(self.share * (items - waiting) + 0.5) - waiting
        if missing <= 0:
            return 0
        made, used = 0, await self._used_lately()
        for example in await self._examples():
            if made == missing:
                break
            if example.id not in used and await self._make(example):
                made += 1
                used.add(example.id)
        return made

    async def _followed(self, probe_id: str, answer: KnownAnswer) -> bool:
        """Whether it still waits. What has been answered for good is judged; the others are cleared."""
        row = await self.views.row(probe_id)
        state = State(row["state"]) if row else State.CANCELLED
        match state:
            case State.SUGGESTED | State.HANDED_OFF | State.REJECTED:
                return True
            case State.DECIDED:
                await self._judge(probe_id, row, answer)
            case State.CLOSED | State.CANCELLED:  # one that comes back by undo must still be known as a probe
                if await self.store.now_ms() >= int(row.get("undo_until", 0)):
                    await self.store.put(keys.PROBES, {probe_id: None})
            case State.QUEUED | State.RUNNING | State.PARKED:
                await self._cancel(probe_id)
            case _:
                assert_never(state)
        return False

    async def _judge(self, probe_id: str, row: Mapping[str, str], answer: KnownAnswer) -> None:
        """Only once it can no longer be undone: who sees the verdict earlier would take the decision back."""
        if await self.store.now_ms() < int(row.get("undo_until", 0)):
            return
        if "probe" not in row:
            if await self.views.bring_back(probe_id):
                row = await self.store.row(probe_id)
            decision = json.loads(row["decision"])
            verdict = answer.verdict(self.process.key(decision))
            note = ev.PersonActed(OWNER, Act.NOTE, f"probe: {verdict}")
            move = Move(
                State.DECIDED,
                (State.DECIDED,),
                ByPerson(int(row["version"])),
                (note,),
                values={"probe": verdict},
                count=(
                    f"probes_{verdict}",
                    counter(verdict, answer.wrong),
                    of_person(verdict, str(decision["decided_by"])),
                ),
            )
            try:
                await make_move(self.store, probe_id, move)
            except Stale:  # somebody wrote a note meanwhile: next round
                return
        await self.store.put(keys.PROBES, {probe_id: None})

    async def _make(self, example: Example) -> bool:
        known = await self._known(example)
        if known is None:
            return False
        again = self.again > 0 and self._dice.random() < self.again
        asked = {**known.decision, "decided_by": "agent"}
        shown = asked if again else self.process.mistaken(known.decision, self._dice.choice)
        if shown is None:
            return False
        probe_id, now = new_id(), await self.store.now_ms()
        # known as a probe before it is a ticket: a crash at any later point leaves nothing that gives it away
        await self.store.put(keys.PROBES, {probe_id: KnownAnswer(self.process.key(shown), example.id, again).to_json()})
        await self.store.put(keys.PROBES_USED, {example.id: str(now)})
        await self.ledger.accept(_copy(known, probe_id), Limits(), aside=True)
        claim = await self.ledger.claim(probe_id, self.worker, queue=QUEUE)
        if not isinstance(claim, Claim):
            await self._cancel(probe_id)
            return False
        try:
            await self.ledger.suggest(claim.lease, Conclusion((), shown, Priority(shown["priority"])))
        except LeaseLost:
            await self._cancel(probe_id)
            return False
        return True

    async def _known(self, example: Example) -> Known | None:
        """The ticket as it was decided, where it still stands as the example says."""
        row, now = await self.views.row(example.id), await self.store.now_ms()
        if row.get("state") != State.DECIDED or now < int(row.get("undo_until", 0)) or "body" not in row:
            return None
        decision = json.loads(row["decision"])
        if self.process.key(decision) != example.key:
            return None
        return Known(read_stored(row["body"]), decision, now - int(row["accepted"]))

    async def _examples(self) -> list[Example]:
        """What people approved lately, in no order that anybody could foresee."""
        latest = await Examples(self.store, self.process, self.views.history).latest(LOOK_BACK)
        approved = [example for example in latest if example.action == Act.APPROVE]
        self._dice.shuffle(approved)
        return approved

    async def _used_lately(self) -> set[str]:
        since = await self.store.now_ms() - LATELY_MS
        used = {source: int(at_ms) for source, at_ms in (await self.store.fields(keys.PROBES_USED)).items()}
        if old := {source: None for source, at_ms in used.items() if at_ms < since}:
            await self.store.put(keys.PROBES_USED, old)
        return used.keys() - old.keys()

    async def _cancel(self, probe_id: str) -> None:
        """End one that no person has seen; its entry goes at the next round."""
        states = [state for state in State if state not in ENDED | INBOX]
        with suppress(Stale, UnknownTicket):
            await make_move(self.store, probe_id, Move(State.CANCELLED, states, ByPerson(), (ev.Cancelled(OWNER),)))


def _copy(known: Known, probe_id: str) -> Ticket:
    """The same words under another id, as if they had come now; the requester's other tickets do not count it."""
    ticket = known.ticket
    later = timedelta(milliseconds=known.age_ms)
    return ticket.model_copy(
        update={
            "id": probe_id,
            "requester": ticket.requester.model_copy(update={"id": None}) if ticket.requester else None,
            "received_at": ticket.received_at + later if ticket.received_at else None,
            "deadline_seconds": None,
        }
    )


def _answer(stored: str) -> KnownAnswer:
    kept = json.loads(stored)  # one that waits since an earlier version says more
    return KnownAnswer(kept["wrong"], kept["source"], kept.get("again", False))
