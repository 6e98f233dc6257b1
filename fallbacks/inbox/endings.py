"""How people end an item without a decision, withdraw a ticket, and take back for ten seconds what ended one."""

import json

from fallbacks.delivery.outcomes import Outcome, OutcomeWriter
from fallbacks.errors import NotAllowed, UnknownTicket
from fallbacks.history.port import History
from fallbacks.inbox.calls import APPROVAL_SECONDS, Calls, Tools, no_tools
from fallbacks.inbox.decisions import Effort, caused_by, example_of_close, way_back, with_messages
from fallbacks.inbox.probes import is_probe
from fallbacks.ledger.acts import Act
from fallbacks.ledger.move import ByPerson, Move, TakesBack, read_entry, stale
from fallbacks.ledger.results import result_fields, result_names
from fallbacks.ledger.states import ENDED, INBOX, Closed, State
from fallbacks.ledger.views import TicketView
from fallbacks.store.port import Store
from tasks.language import _, translated
from tasks.run import events as ev
from tasks.run.process import Process, Result

DECIDABLE = (State.SUGGESTED, State.HANDED_OFF)
"""A person may decide it, or send it back to the agent."""

UNDO_MS = 10_000
"""How long a decision can be undone; nothing leaves the outbox before."""


class Endings(Calls):
    """outcomes: what upstream is sent of an end."""

    def __init__(
        self,
        store: Store,
        process: Process,
        outcomes: OutcomeWriter,
        history: History | None = None,
        max_wait_seconds: float | None = None,
        tools: Tools = no_tools,
        approval_seconds: float = APPROVAL_SECONDS,
    ) -> None:
        super().__init__(store, process, history, max_wait_seconds, tools, approval_seconds)
        self.outcomes = outcomes

    async def cancel(self, ticket_id: str, person: str, version: int | None = None) -> TicketView:
        """Withdraw a ticket that has not ended; its worker stops at its next write."""
        view = await self.views.ticket(ticket_id)
        if view.state is State.CANCELLED:
            return view
        if view.state in ENDED:  # it may have left the store
            raise stale(ticket_id, ["stale", view.state.value, view.version, ""])
        states = [state for state in State if state not in ENDED]
        outcome = {"state": State.CANCELLED.value}
        secret = await is_probe(self.store, ticket_id)
        outbox = () if secret else self.outcomes.entries(Outcome.CANCELLED, ticket_id, view.door, outcome)
        move = Move(State.CANCELLED, states, ByPerson(version), (ev.Cancelled(person),), outbox=outbox)
        await self._act(ticket_id, move)
        return await self.views.ticket(ticket_id)

    async def close(self, ticket_id: str, person: str, version: int | None, kind: Closed, of: str = "") -> TicketView:
        """End an item without a decision. of: the ticket that a duplicate is one of, "" for none that is known.

        Where a decision stands while what was added since is looked at, it goes on standing, and nothing is sent.
        """
        if of and kind is not Closed.DUPLICATE:
            raise ValueError(
                _(
                    "only a duplicate is one of another ticket, and this is closed as %(kind)s",
                    kind=translated(kind.value),
                )
            )
        view = await self._waiting(ticket_id, version)
        await self._check_original(ticket_id, of)
        if view.stands is not None:
            return await self._uphold(view, person, kind, view.stands)
        secret = await is_probe(self.store, ticket_id)
        outcome = {"state": State.CLOSED.value, "kind": kind.value, **caused_by(view)} | ({"of": of} if of else {})
        outbox = () if secret else self.outcomes.entries(Outcome.CLOSED, ticket_id, view.door, outcome, UNDO_MS)
        now = await self.store.now_ms()
        timeline, row = await self.views.timeline(ticket_id), await self.store.row(ticket_id)
        effort, whole = Effort(await self._handled_seconds(timeline, person, now)), with_messages(view, timeline)
        example = None if secret else example_of_close(whole, self.process, kind, person, now, effort)
        undo = way_back(view, self.process, person, State.CLOSED, outbox, example, row)
        move = Move(
            State.CLOSED,
            INBOX,
            ByPerson(view.version, person),
            (ev.Closed(person, kind.value, of=of),),
            values={"closed": kind.value, "detail": of, "undo": undo},
            unset=(*result_names(self.process), "reason", "queue"),
            outbox=outbox,
            undo_in_ms=UNDO_MS,
            example=example,
            count=() if secret else (f"person_{Act.CLOSE}",),
        )
        await self._act(ticket_id, move)
        return await self.views.ticket(ticket_id)

    async def _uphold(self, view: TicketView, person: str, kind: Closed, stands: Result) -> TicketView:
        """Upstream has heard of the decision already: what was added to it needs none."""
        undo = way_back(view, self.process, person, State.DECIDED, (), None, await self.store.row(view.id))
        move = Move(
            State.DECIDED,
            DECIDABLE,
            ByPerson(view.version, person),
            (ev.Upheld(person, kind.value, stands),),
            values={**result_fields(self.process, stands), "undo": undo},
            unset=("standing", "reason", "detail", "queue"),
            undo_in_ms=UNDO_MS,
            count=(f"person_{Act.CLOSE}",),
        )
        await self._act(view.id, move)
        return await self.views.ticket(view.id)

    async def _check_original(self, ticket_id: str, of: str) -> None:
        if of == ticket_id:
            raise ValueError(_("%(ticket)s cannot be a duplicate of itself", ticket=ticket_id))
        if of:
            try:
                await self.views.ticket(of)
            except UnknownTicket as error:
                raise ValueError(str(error)) from None

    async def undo(self, ticket_id: str, person: str, version: int | None, *, operator: bool = False) -> TicketView:
        """Take back a decision or a close within ten seconds: the ticket is as it was.

        operator: may take back what others did, too; anybody else gets `NotAllowed`.
        """
        row = await self.views.row(ticket_id)
        if not row:
            raise UnknownTicket(ticket_id)
        if "undo" not in row:
            raise ValueError(_("%(ticket)s has nothing to undo", ticket=ticket_id))
        was = json.loads(row["undo"])
        by = was["by"] if "by" in was else json.loads(row["decision"])["decided_by"]  # kept since releases that close
        if not operator and by != person:
            raise NotAllowed(_("Only who decided it, or an operator, can undo it."))
        based_on = int(row["version"]) if version is None else version  # whose act it is was read in this one
        arrived = {"delivery"} if row.get("delivery") != "pending" else set()  # what was sent before, meanwhile
        values = {name: value for name, value in was["set"].items() if name not in arrived}
        move = Move(
            State(was["state"]),
            (State(was.get("left_to", State.DECIDED)),),
            ByPerson(based_on, person),
            (ev.PersonActed(person, Act.UNDO),),
            inbox=read_entry(was["inbox"]) if was["inbox"] else None,
            values=values,
            unset=tuple({*was["unset"], "undo", "undo_until", "delivery"} - values.keys() - arrived),
            takes_back=TakesBack(tuple(was["outbox"]), was["example"]),
            count=("undone",),
        )
        await self._act(ticket_id, move)
        return await self.views.ticket(ticket_id)
