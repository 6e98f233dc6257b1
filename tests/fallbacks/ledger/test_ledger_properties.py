"""Whatever workers, zombies, people and the sweep do in whatever order: the books keep the promise.

A state machine drives ledger and inbox on a real server, and says beforehand, from a few plain dicts, what each
action must do. After every action the audit must balance and the model must agree with the books.
"""

from collections.abc import Awaitable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from fallbacks.errors import Stale
from fallbacks.ledger.states import ENDED, INBOX, State
from tasks.run.limits import Limits
from tests.depth import cases
from tests.fallbacks.ledger_machine import Known, LedgerMachine

PEOPLE = ["ann", "eve"]
ACTS = ["approve", "resume", "undo", "reject", "think_again", "cancel", "note", "hold"]


class PeopledLedger(LedgerMachine):
    """People act on the tickets that workers leave."""

    @rule(index=st.integers(0, 5), person=st.sampled_from(PEOPLE), act=st.sampled_from(ACTS))
    def a_person_acts(self, index: int, person: str, act: str) -> None:
        """Mostly on what waits for people; at times on what does not."""
        waiting = [ticket_id for ticket_id, known in self.known.items() if known.state in INBOX]
        pool = waiting if waiting and index else list(self.known)
        ticket_id = pool[index % len(pool)]
        getattr(self, act)(ticket_id, self.known[ticket_id], person)

    def resume(self, ticket_id: str, known: Known, person: str) -> None:
        act = self.s.inbox.resume(ticket_id, person, None, "look again", Limits(max_cost_nanodollars=100))
        if self.acts(act, known.state in INBOX):
            known.state, known.losses, known.cap = State.QUEUED, 0, known.spent + 100

    def approve(self, ticket_id: str, known: Known, person: str) -> None:
        if known.state is State.HANDED_OFF:
            return  # a draft may or may not be there to approve
        if self.acts(self.s.inbox.approve(ticket_id, person, None), known.state is State.SUGGESTED):
            known.state = State.DECIDED

    def reject(self, ticket_id: str, known: Known, person: str) -> None:
        if self.acts(self.s.inbox.reject(ticket_id, person, None, "no"), known.state in INBOX):
            known.state = State.HANDED_OFF

    def cancel(self, ticket_id: str, known: Known, person: str) -> None:
        if known.state is State.CANCELLED:
            self.told(self.s.inbox.cancel(ticket_id, person))
        elif self.acts(self.s.inbox.cancel(ticket_id, person), known.state not in ENDED):
            known.leave(State.CANCELLED)

    def undo(self, ticket_id: str, known: Known, person: str) -> None:
        decided = [one for one, of in self.known.items() if of.state is State.DECIDED]
        ticket_id = decided[0] if decided else ticket_id
        row, known = self.told(self.store.row(ticket_id)), self.known[ticket_id]
        if "undo" in row:
            open_still = int(row["undo_until"]) > self.told(self.store.now_ms()) + 500
            if self.acts(self.s.inbox.undo(ticket_id, person, None), known.state is State.DECIDED and open_still):
                known.state = State.SUGGESTED

    def think_again(self, ticket_id: str, known: Known, person: str) -> None:
        """Approve and take it back: ann in time, eve too late."""
        self.approve(ticket_id, known, person)
        if person == "eve":
            self.time_passes(11_000, False)
        self.undo(ticket_id, known, person)

    def note(self, ticket_id: str, known: Known, person: str) -> None:
        self.told(self.s.inbox.note(ticket_id, person, "a note"))

    def hold(self, ticket_id: str, known: Known, person: str) -> None:
        self.told(self.s.inbox.next(person))

    def acts(self, act: Awaitable[Any], allowed: bool) -> bool:
        """Whether a person's act came through. It may be refused for a hold, never allowed against the state."""
        refusal = None
        try:
            self.told(act)
        except Stale as stale:
            refusal = stale
        assert not allowed if refusal and not refusal.holder else allowed or refusal
        return refusal is None


def test_the_ledger_keeps_the_promise_whatever_happens(valkey_url: str) -> None:
    PeopledLedger.url = valkey_url
    run_state_machine_as_test(
        PeopledLedger,
        settings=settings(
            max_examples=cases(12, 200),
            stateful_step_count=40,
            derandomize=True,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
