"""A call that was put before people, as the events of the journal leave it. Pure."""

import json
from dataclasses import replace

from tasks.run import events as ev
from tasks.run.approval import ProposedCall
from tasks.run.messages import Block

AnyCallEvent = ev.CallProposed | ev.CallEdited | ev.CallApproved


def proposed_after(call: ProposedCall | None, event: AnyCallEvent) -> ProposedCall | None:
    """The call after one more event. What is said of another call, or of other arguments, changes nothing."""
    match event:
        case ev.CallProposed():
            return ProposedCall(event.key, event.tool_call_id, event.tool, event.arguments, event.digest)
        case _ if call is None or call.key != event.key:
            return call
        case ev.CallEdited():
            return replace(call, arguments=event.arguments, digest=event.digest, approved_by="", edited_by=event.by)
        case ev.CallApproved():
            return replace(call, approved_by=event.by) if call.digest == event.digest else call


def done_for(call: ProposedCall | None, event: ev.ToolFinished) -> tuple[tuple[str, str], ...]:
    """(tool, person) where this was done because that person approved it."""
    mine = call is not None and call.call_id == event.tool_call_id and event.outcome == "ok" and call.approved_by
    return ((call.tool, call.approved_by),) if call is not None and mine else ()


def not_done(call: ProposedCall, why: str) -> Block:
    """What its model is answered."""
    said = json.dumps({"not_done": why}, ensure_ascii=False)
    return {"type": "tool_result", "tool_use_id": call.call_id, "content": said, "is_error": True}
