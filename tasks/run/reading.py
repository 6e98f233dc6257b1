"""Reading a model's reply: from blocks to events. Pure; the loop writes them together with the settlement."""

from dataclasses import dataclass

from tasks.errors import InvalidDecision
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.agent import Agent
from tasks.run.checkpoint import Checkpoint
from tasks.run.messages import SUBMIT, ModelReply, StopReason, ToolCall
from tasks.run.screening import screenings
from tasks.safety.grades import Grade
from tasks.safety.screen import Screening
from tasks.ticket import Ticket

MAX_REPAIRS = 1
"""One repair turn for an invalid reply, then the plan."""

_STOPS = {
    StopReason.MAX_TOKENS: (Reason.REPLY_TRUNCATED, "the reply was cut at max_tokens"),
    StopReason.REFUSAL: (Reason.MODEL_REFUSED, "the model refused"),
    StopReason.CONTEXT_WINDOW: (Reason.CONTEXT_EXCEEDED, "the conversation outgrew the model's context window"),
}

_PROSE = f"Prose is not an answer. Call {SUBMIT} now with what fits best."


@dataclass(frozen=True, slots=True)
class Reader:
    """What a reply is read against. min_confidence: below it the tier abstains. shown: see `Process.read`."""

    agent: Agent
    ticket: Ticket
    tier: str
    min_confidence: float
    shown: str | None = None

    def read(self, reply: ModelReply, checkpoint: Checkpoint, step: int) -> list[ev.Event]:
        """The events that follow from a reply: a decision, a repair, a stop, or none while tools are pending."""
        if reply.stop in _STOPS:
            reason, detail = _STOPS[reply.stop]
            return [_stopped(step, reason, detail)]
        if reply.stop is StopReason.UNKNOWN:
            return [_stopped(step, Reason.UNKNOWN_STOP, f"unknown stop reason {reply.raw_stop[:60]!r}")]
        submitted = [call for call in reply.tool_calls if call.name == SUBMIT]
        if submitted:
            return self._read_submitted(submitted, checkpoint, step, reply.abstained)
        if not reply.tool_calls and reply.stop is not StopReason.PAUSE_TURN:
            return _repair_or(checkpoint, step, [("", _PROSE)], Reason.NO_DECISION, f"prose instead of {SUBMIT}")
        return []

    def _read_submitted(
        self, calls: list[ToolCall], checkpoint: Checkpoint, step: int, abstained: str
    ) -> list[ev.Event]:
        arguments, context = calls[0].arguments, checkpoint.context
        try:
            found = self.agent.process.read(arguments, self.ticket, self.tier, context, self.shown)
        except InvalidDecision as error:
            faults = [(calls[0].id, f"Not accepted: {error}. Correct it and call {SUBMIT} again.")]
            faults += [(call.id, f"Only one {SUBMIT} at a time.") for call in calls[1:]]
            return _repair_or(checkpoint, step, faults, Reason.INVALID_DECISION, str(error))
        seen = [each for each in screenings(self.agent, self.ticket, checkpoint) if each.grade is not Grade.CLEAR]
        result, person = found.result, found.person
        for screening in seen:
            result = self.agent.process.without_quotes(result, screening.withholds)
            person = (*person, *screening.why)
        events: list[ev.Event] = [ev.DecisionSubmitted(step, result, found.raised, person)]
        strong = [each for each in seen if each.grade is Grade.STRONG]
        unsure = abstained or (self._unsure(found.confidence) if found.confidence < self.min_confidence else "")
        if found.missing and not unsure and not strong:
            unsure = f"no {' and no '.join(found.missing)} was found, and every decision needs it"
        if unsure:
            events.append(_stopped(step, Reason.LOW_CONFIDENCE, unsure))
        if strong:  # it outranks: a person reads what was found, and no stronger model is shown the attack
            events.append(_stopped(step, Reason.INJECTION_SUSPECTED, _seen(strong[0])))
        return events

    def _unsure(self, confidence: float) -> str:
        if self.min_confidence > 1:
            return f"confidence {confidence:.2f} is a claim: too little is known of how often it is right"
        return f"confidence {confidence:.2f} is below {self.min_confidence:.2f}"


def _repair_or(
    checkpoint: Checkpoint, step: int, faults: list[tuple[str, str]], reason: Reason, detail: str
) -> list[ev.Event]:
    if checkpoint.repairs >= MAX_REPAIRS:
        return [_stopped(step, reason, detail)]
    return [ev.RepairAsked(step, call_id, message) for call_id, message in faults]


def _seen(screening: Screening) -> str:
    return f"the text looks like an attack ({screening.score:.2f}): {'; '.join(screening.why)}"


def _stopped(step: int, reason: Reason, detail: str) -> ev.RunStopped:
    return ev.RunStopped(step=step, reason=reason.value, detail=detail[:500])
