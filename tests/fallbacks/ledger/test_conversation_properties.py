"""Messages in every state, beside whatever workers, zombies, people and the sweep do: the ledger keeps the promise.

The states of a ticket against a plain model that knows three more things of a ticket: which messages it has,
whether a decision stands while it is worked again, and where an undo leads. A crash is a lease that ends.
`make chaos` tries the long form.
"""

import json
from collections import Counter
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from fallbacks.delivery.outcomes import OutcomeWriter
from fallbacks.errors import Stale
from fallbacks.inbox.conversations import Bounds, Conversations
from fallbacks.ledger.ledger import Conclusion
from fallbacks.ledger.states import INBOX, Closed, State
from tasks.conversation import Message
from tasks.errors import NewMessages
from tasks.run import events as ev
from tasks.run.limits import Limits
from tasks.ticket import Priority
from tasks.triage.process import HandDecision
from tests.depth import cases
from tests.fallbacks.ledger.test_ledger_properties import PEOPLE, PeopledLedger
from tests.fallbacks.ledger_machine import LEASE_MS, Known, Pick, picks
from tests.fallbacks.scene import DECISION, TRIAGE

AGAIN = 100
"""Nanodollars that a run may spend which a message begins."""

REOPENED = (State.SUGGESTED, State.DECIDED, State.CLOSED, State.CANCELLED)
ENDINGS = ["close", "correct", "approve", "undo"]
LOOPING = "a loop"

STATES = st.sampled_from([state for state in State if state is not State.REJECTED])

Met = tuple[str, str]
"""A state, and what came in it."""


class ConversingLedger(PeopledLedger):
    """Upstream adds messages, some of them twice, and people close and correct. met: how often, in all runs."""

    met: ClassVar[Counter[Met]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.conversations, self.looping = (
            Conversations(
                self.store, TRIAGE, OutcomeWriter(wanted=True), Bounds(Limits(max_cost_nanodollars=AGAIN), most)
            )
            for most in (None, 0)
        )
        self.messages: dict[str, dict[str, bool]] = {}
        self.standing: set[str] = set()

    def heard(self, ticket_id: str) -> int:
        return sum(not quiet for quiet in self.messages.get(ticket_id, {}).values())

    def one_in(self, state: State, index: int) -> str:
        """A ticket in this state; where there is none, any."""
        pool = [one for one, known in self.known.items() if known.state is state] or list(self.known)
        return pool[index % len(pool)]

    @rule(
        state=STATES,
        index=st.integers(0, 5),
        number=st.integers(0, 6),
        quiet=st.booleans(),
        loops=st.sampled_from([0, 0, 0, 1]),
    )
    def a_message_comes(self, state: State, index: int, number: int, quiet: bool, loops: int) -> None:
        ticket_id = self.one_in(state, index)
        known, messages = self.known[ticket_id], self.messages.setdefault(ticket_id, {})
        new, quiet = f"m{number}" not in messages, messages.get(f"m{number}", quiet)
        self.meets(known, "again" if not new else "thanks" if quiet else LOOPING if loops else "message")
        message = Message(id=f"m{number}", body="It was found." if not quiet else "Thanks!")
        talk = self.looping if loops else self.conversations
        added = self.told(talk.add(ticket_id, message, door="http"))
        assert added.created == new
        if new and not quiet:
            self.begins_anew(ticket_id, known)
            if loops and known.state is not State.HANDED_OFF:
                known.leave(State.HANDED_OFF)
        messages[f"m{number}"] = quiet
        assert (added.state, added.works) == (known.state, known.state is State.QUEUED and not quiet)

    def begins_anew(self, ticket_id: str, known: Known) -> None:
        if known.state in REOPENED:
            if known.state is State.DECIDED:
                self.standing.add(ticket_id)
            known.state, known.losses, known.cap = State.QUEUED, 0, known.spent + AGAIN

    def meets(self, known: Known, what: str) -> None:
        self.met[known.state.value, what] += 1

    @rule(pick=picks)
    def no_step_begins_that_has_not_heard(self, pick: Pick) -> None:
        lease = self.picked(pick)
        self.calls += 1
        started, heard = ev.StepStarted(1, f"c{self.calls}", "small", 10), self.heard(lease.ticket_id) + 1
        step = self.s.ledger.begin_step(lease, started, (), run_cap=None, day_cap=None, heard=heard)
        with self.fenced(lease) as known:
            if known is None:
                self.told(step)
                return
            with pytest.raises(NewMessages):
                self.told(step)

    @rule()
    def sweep(self) -> None:
        """With it a worker's crash comes out."""
        for known in self.known.values():
            if known.state is State.RUNNING and known.lease_age >= LEASE_MS:
                self.meets(known, "crash")
        super().sweep()

    @rule(pick=picks, missed=st.booleans(), stands=st.booleans())
    def a_run_ends(self, pick: Pick, missed: bool, stands: bool) -> None:
        """With what it has heard of, or with less."""
        lease = self.picked(pick)
        heard = self.heard(lease.ticket_id) - missed
        conclusion = Conclusion((), DECISION, Priority.NORMAL, heard=heard)
        upholds = stands and lease.ticket_id in self.standing
        end = self.s.ledger.uphold(lease, conclusion, DECISION) if upholds else self.s.ledger.suggest(lease, conclusion)
        with self.fenced(lease) as known:
            if known is not None and missed:
                with pytest.raises(NewMessages):
                    self.told(end)
                return
            self.told(end)
            assert known is not None
            known.leave(State.DECIDED if upholds else State.SUGGESTED)
            if upholds:
                self.standing.discard(lease.ticket_id)

    @rule(state=STATES, index=st.integers(0, 5), person=st.sampled_from(PEOPLE), act=st.sampled_from(ENDINGS))
    def a_person_ends_it(self, state: State, index: int, person: str, act: str) -> None:
        ticket_id = self.one_in(state, index)
        self.meets(self.known[ticket_id], act)
        getattr(self, act)(ticket_id, self.known[ticket_id], person)

    def approve(self, ticket_id: str, known: Known, person: str) -> None:
        if known.state is State.HANDED_OFF:
            return  # a draft may or may not be there to approve
        if self.acts(self.s.inbox.approve(ticket_id, person, None), known.state is State.SUGGESTED):
            known.state = State.DECIDED
            self.standing.discard(ticket_id)

    def close(self, ticket_id: str, known: Known, person: str) -> None:
        act = self.s.inbox.close(ticket_id, person, None, Closed.OTHER)
        if self.acts(act, known.state in INBOX):
            known.state = State.DECIDED if ticket_id in self.standing else State.CLOSED
            self.standing.discard(ticket_id)

    def correct(self, ticket_id: str, known: Known, person: str) -> None:
        label = self.told(self.store.row(ticket_id)).get("label")
        given = HandDecision(label="lost_card" if label == "new_loan" else "new_loan")
        self.acts(self.s.inbox.correct(ticket_id, person, None, given, "why"), known.state is State.DECIDED)

    def undo(self, ticket_id: str, known: Known, person: str) -> None:
        row = self.told(self.store.row(ticket_id))
        if "undo" not in row:
            with pytest.raises(ValueError, match="nothing to undo"):
                self.told(self.s.inbox.undo(ticket_id, person, None, operator=True))
            return
        was = json.loads(row["undo"])
        open_still = int(row["undo_until"]) > self.told(self.store.now_ms()) + 500
        undo = self.s.inbox.undo(ticket_id, person, None, operator=True)
        if self.acts(undo, known.state.value == was["left_to"] and open_still):
            known.state = State(was["state"])
            (self.standing.add if "standing" in was["set"] else self.standing.discard)(ticket_id)

    @invariant()
    def every_message_is_in_its_ticket_once(self) -> None:
        for ticket_id, messages in self.messages.items():
            row = self.told(self.store.row(ticket_id))
            assert int(row.get("messages", 0)) == len(messages)
            assert int(row.get("news", 0)) == self.heard(ticket_id)
            checkpoint = self.told(self.s.inbox.views.checkpoint(ticket_id))
            assert sorted(one.message.id or "" for one in checkpoint.added) == sorted(messages)
            assert checkpoint.heard == self.heard(ticket_id)
        for ticket_id in self.known:
            assert ("standing" in self.told(self.store.row(ticket_id))) == (ticket_id in self.standing), ticket_id

    @invariant()
    def nothing_stale_can_be_approved(self) -> None:
        for ticket_id, known in self.known.items():
            if known.state in (State.QUEUED, State.RUNNING, State.PARKED):
                version = int(self.told(self.store.row(ticket_id))["version"])
                with pytest.raises(Stale):
                    self.told(self.s.inbox.approve(ticket_id, "ann", version))


def test_the_ledger_keeps_the_promise_while_messages_come(valkey_url: str) -> None:
    ConversingLedger.url, ConversingLedger.met = valkey_url, Counter()
    run_state_machine_as_test(
        ConversingLedger,
        settings=settings(
            max_examples=cases(6, 1000),
            stateful_step_count=40,
            derandomize=True,
            print_blob=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    met = ConversingLedger.met
    assert sum(met.values()) > 20
