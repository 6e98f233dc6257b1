"""What people do with a call that waits for them: approve it, change its arguments, refuse it.

An approval is of one call of one ticket with exactly these arguments, as its person saw it: key, digest and version
must be those of now. It is used up by the write that begins the effect, and holds for a while only.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from fallbacks.history.port import History
from fallbacks.inbox.faults import in_words
from fallbacks.inbox.holds import Holds
from fallbacks.ledger.acts import Act
from fallbacks.ledger.calls import PendingCall
from fallbacks.ledger.move import STAYS, ByPerson, In, Move, stale
from fallbacks.ledger.states import State
from fallbacks.ledger.steps import approved
from fallbacks.ledger.views import TicketView
from fallbacks.store.port import Store
from tasks.language import _
from tasks.run import events as ev
from tasks.run.approval import digest_of
from tasks.run.process import Process
from tasks.run.tool import Tool, ToolContext
from tasks.run.tool_calls import preview_of

Tools = Callable[[], Mapping[str, Tool]]

PREVIEW_SECONDS = 5.0

APPROVAL_SECONDS = 86_400.0


def no_tools() -> Mapping[str, Tool]:
    """Where no arguments can be changed: nothing is known of their schema."""
    return {}


def said(value: Any) -> str:
    """An argument as people read and type it: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def typed(before: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """The arguments with what a person typed in their place. What was text stays text; raises `ValueError`."""
    changed = dict(before)
    for name, text in given.items():
        was = before.get(name)
        try:
            changed[name] = text if isinstance(was, str) else json.loads(text)
        except ValueError:
            if was is not None:
                kind = type(was).__name__
                raise ValueError(
                    _("%(field)s: %(text)s is not what it was, a %(kind)s", field=name, text=repr(text[:80]), kind=kind)
                ) from None
            changed[name] = text
    return changed


class Calls(Holds):
    """tools: the agent's, for their schemas and previews; asked for only where arguments are changed.

    approval_seconds: how long an approval holds until its effect is begun. max_wait_seconds: after so
    long people get back what they had sent to the agent again; None: no such time.
    """

    def __init__(
        self,
        store: Store,
        process: Process,
        history: History | None = None,
        max_wait_seconds: float | None = None,
        tools: Tools = no_tools,
        approval_seconds: float = APPROVAL_SECONDS,
    ) -> None:
        super().__init__(store, process, history)
        self.max_wait_seconds = max_wait_seconds
        self.tools = tools
        self.approval_seconds = approval_seconds

    async def approve_call(self, ticket_id: str, person: str, version: int | None, digest: str) -> TicketView:
        """Let this call happen, once: the ticket goes back to the agent, which carries it out."""
        view, call = await self._asked(ticket_id, version, digest)
        now = await self.store.now_ms()
        if now >= call.until_ms:
            raise ValueError(
                _("what was shown of this call of %(ticket)s is too old; send it back to the agent", ticket=ticket_id)
            )
        until = now + int(self.approval_seconds * 1000)
        values = {"approved": approved(call.key, digest), "approved_until": str(until)}
        event = ev.CallApproved(person, call.key, digest, until)
        return await self._back_to_agent(view, call, event, Act.APPROVE_CALL, now, values)

    async def reject_call(self, ticket_id: str, person: str, version: int | None, digest: str, why: str) -> TicketView:
        """Refuse it: the agent is told why, and goes on without."""
        view, call = await self._asked(ticket_id, version, digest)
        event = ev.CallRejected(person, call.key, digest, why[:2000])
        return await self._back_to_agent(view, call, event, Act.REJECT_CALL, await self.store.now_ms())

    async def edit_call(
        self, ticket_id: str, person: str, version: int | None, digest: str, arguments: Mapping[str, Any]
    ) -> TicketView:
        """Change its arguments, within the schema of its tool. It waits as before, under another digest."""
        view, call = await self._asked(ticket_id, version, digest)
        changed = await self._with(view, call, arguments, person)
        event = ev.CallEdited(person, call.key, changed.arguments, changed.digest)
        by, values = ByPerson(view.version, person), {"call": changed.to_json()}
        await self._act(ticket_id, Move(State.SUGGESTED, (State.SUGGESTED,), by, (event,), inbox=STAYS, values=values))
        return await self.views.ticket(ticket_id)

    async def _asked(self, ticket_id: str, version: int | None, digest: str) -> tuple[TicketView, PendingCall]:
        view = await self._waiting(ticket_id, version)
        if view.call is None:
            raise ValueError(_("no call of %(ticket)s waits for a person", ticket=ticket_id))
        if view.call.digest != digest:
            raise stale(ticket_id, ["stale", view.state.value, view.version, view.holder or ""])
        return view, view.call

    async def _back_to_agent(
        self,
        view: TicketView,
        call: PendingCall,
        event: ev.CallApproved | ev.CallRejected,
        act: Act,
        now_ms: int,
        values: Mapping[str, str] | None = None,
    ) -> TicketView:
        wait = self.max_wait_seconds
        deadline = {} if wait is None else {"deadline": str(now_ms + int(wait * 1000))}
        move = Move(
            State.QUEUED,
            (State.SUGGESTED,),
            ByPerson(view.version, event.by),
            (event,),
            due=In(0),
            values={"losses": "0", **deadline, **(values or {})},
            unset=("queue", *(() if deadline else ("deadline",))),
            judged=self._judged(view, call, act, now_ms),
            count=(f"person_{act}",),
        )
        await self._act(view.id, move)
        return await self.views.ticket(view.id)

    def _judged(self, view: TicketView, call: PendingCall, act: Act, now_ms: int) -> str:
        """The evidence: whether the person let happen what the agent had asked for."""
        agreed = act is Act.APPROVE_CALL and not call.edited_by
        what = {"tool": call.tool, "process": self.process.name, "version": call.version, "agreed": agreed}
        return json.dumps({**what, "id": view.id, "at": now_ms})

    async def _with(
        self, view: TicketView, call: PendingCall, arguments: Mapping[str, Any], person: str
    ) -> PendingCall:
        tool = self.tools().get(call.tool)
        if tool is None or view.ticket is None:
            raise ValueError(_("%(tool)s is not a tool of this deployment any more; refuse the call", tool=call.tool))
        try:
            given = tool.arguments.model_validate(arguments)
        except ValidationError as error:
            faults = error.errors(include_url=False, include_input=False)
            raise ValueError(in_words(faults, "arguments")) from None
        shown = await preview_of(tool, given, ToolContext(view.ticket, call.key), PREVIEW_SECONDS)
        as_json = given.model_dump(mode="json")
        return replace(
            call,
            arguments=as_json,
            digest=digest_of(call.key, call.tool, as_json),
            target=shown.target,
            does=shown.does,
            details=dict(shown.details),
            edited_by=person,
        )
