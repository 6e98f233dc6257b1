"""The bounded loop: decide what comes next from the checkpoint, do it, write it down, again.

Deciding is pure (`next_action`); doing goes through ports. Every limit is looked at before each call.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never
from uuid import uuid4

from tasks.errors import EffectUnknown, ModelError, NotApproved, StepRefused
from tasks.money import FREE, Nanodollars
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.run.agent import PREFETCH, Agent
from tasks.run.approval import ProposedCall
from tasks.run.call_ids import with_own_ids
from tasks.run.changed import changed
from tasks.run.checkpoint import Checkpoint, Stop
from tasks.run.limits import Limits, exceeded, seconds_left
from tasks.run.messages import ModelReply, ModelRequest, ToolCall
from tasks.run.opening import cut
from tasks.run.ports import Clock, Model
from tasks.run.reading import Reader
from tasks.run.stuck import looping
from tasks.run.tool import ToolContext
from tasks.run.tool_calls import ToolRunner, attempt
from tasks.safety.canary import says, withheld

_LEAK = "the model said what its instructions keep secret: something has steered it"

MAX_TOOL_ERRORS = 3
"""Failed or timed-out tool calls after which the run stops instead of working around them."""


@dataclass(frozen=True, slots=True)
class CallModel:
    """Make one model call: the next step."""


@dataclass(frozen=True, slots=True)
class FetchContext:
    """Look up what every ticket needs, before the first model call."""


@dataclass(frozen=True, slots=True)
class OpenConversation:
    """Write the opening message for the current tier."""


@dataclass(frozen=True, slots=True)
class RunTools:
    """Run the tool calls the model asked for."""


@dataclass(frozen=True, slots=True)
class Submit:
    """The run has a validated decision."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A call waits for a person."""


@dataclass(frozen=True, slots=True)
class Halt:
    """The run cannot go on."""

    reason: Reason
    detail: str
    retry_after_seconds: float | None = None


Action = CallModel | FetchContext | OpenConversation | RunTools | Submit | Ask | Halt


def next_action(
    checkpoint: Checkpoint, limits: Limits, now_ms: int, model: str, versions: Sequence[str] = ()
) -> Action:
    """What the run does next. Pure: the same arguments give the same answer.

    model, versions: what is in use now. A conversation is bound to its model, and to what that was given of prompt,
    labels and tools: where a deployment has changed that, it starts anew with the ticket.
    """
    if checkpoint.stop is not None:
        return Halt(checkpoint.stop.reason, checkpoint.stop.detail, checkpoint.stop.retry_after_seconds)
    if checkpoint.decision is not None:
        return Submit()
    asked = checkpoint.proposed
    if asked is not None and not asked.approved_by:
        return Ask()
    if halt := _bounded(checkpoint, limits, now_ms):
        return halt
    ours = checkpoint.conversation and checkpoint.model == model
    if checkpoint.pending and (ours or asked):  # whatever has changed: what was begun, or approved, is ended
        return RunTools()
    if checkpoint.context is None:
        return FetchContext()
    if not ours or _changed(checkpoint.versions, versions):
        return OpenConversation()
    return CallModel()


def _changed(before: Sequence[str], now: Sequence[str]) -> bool:
    """Whether something the model was given is another now. What an older journal does not say has not changed."""
    return any(was and has and was != has for was, has in zip(before, now, strict=False))


def _bounded(checkpoint: Checkpoint, limits: Limits, now_ms: int) -> Halt | None:
    used = checkpoint.usage
    asked = used.tool_calls + len(checkpoint.pending)
    if checkpoint.pending and limits.max_tool_calls is not None and asked > limits.max_tool_calls:
        return Halt(Reason.TOOL_CALL_LIMIT, f"{asked} tool calls asked for, {limits.max_tool_calls} allowed")
    if reason := exceeded(limits, used, now_ms):
        return Halt(reason, _spent(limits, checkpoint, now_ms))
    if repeated := looping(checkpoint.asked):
        return Halt(Reason.LOOP_DETECTED, repeated)
    if checkpoint.repairs > 1:
        return Halt(Reason.INVALID_TOOL_CALL, "the model repeated a tool call that the schema refuses")
    if checkpoint.tool_errors >= MAX_TOOL_ERRORS:
        return Halt(Reason.TOOL_FAILED, f"{checkpoint.tool_errors} tool calls failed")
    return None


def _spent(limits: Limits, checkpoint: Checkpoint, now_ms: int) -> str:
    used = checkpoint.usage
    parts = (
        ("steps", used.steps, limits.max_steps),
        ("tokens", used.tokens.total, limits.max_tokens),
        ("seconds", round(used.seconds(now_ms), 1), limits.max_seconds),
    )
    return ", ".join(f"{value} of {limit} {name}" for name, value, limit in parts if limit is not None)


@dataclass(slots=True)
class Run:
    """The agent's work on one ticket with one model, over ports.

    tools: the ticket's, over the ledger that the run writes to. checkpoint: where it stands; advances with every event.
    min_confidence: below it the tier abstains. shown: see `Process.read`. unwritten: events that go with the next
    write.
    """

    agent: Agent
    model: Model
    tools: ToolRunner
    limits: Limits
    clock: Clock
    checkpoint: Checkpoint
    min_confidence: float = 0.0
    shown: str | None = None
    unwritten: list[ev.Event] = field(default_factory=list)

    async def advance(self) -> Stop | None:
        """Work until a decision stands or a call waits for a person (None), or the run stops. Raises `LeaseLost`, and
        `NewMessages` before a step; `unwritten` holds what is left.
        """
        while True:
            match next_action(self.checkpoint, self.limits, self.clock.now_ms(), self.model.name, self.agent.versions):
                case Submit() | Ask():
                    return None
                case Halt(reason, detail, retry_after):
                    return self.halt(reason, detail, retry_after)
                case FetchContext():
                    await self._fetch_context()
                case OpenConversation():
                    self._open_conversation()
                case RunTools():
                    await self._run_tools()
                case CallModel():
                    await self._call_model()
                case unknown:
                    assert_never(unknown)

    @property
    def leaning(self) -> str:
        """What the model would suggest though it does not stand by it, in words; "" for nothing."""
        result = self.checkpoint.decision
        return f"{self.agent.process.headline(result)} (confidence {result['confidence']:.2f})" if result else ""

    def note(self, event: ev.Event) -> None:
        """Fold an event now and write it with the next write."""
        self.unwritten.append(event)
        self._fold(event)

    def _fold(self, event: ev.Event, at_ms: int | None = None) -> None:
        at = self.clock.now_ms() if at_ms is None else at_ms
        self.checkpoint = self.checkpoint.apply(ev.Recorded(0, at, 0, event))

    def halt(self, reason: Reason, detail: str, retry_after: float | None = None, *, waits: bool = False) -> Stop:
        """Stop here, unless it has stopped already. waits: see `Stop`."""
        if self.checkpoint.stop is None:
            self.note(ev.RunStopped(self.checkpoint.usage.steps, reason.value, detail, retry_after, waits))
        assert self.checkpoint.stop is not None  # noqa: S101 - noting RunStopped sets it
        return self.checkpoint.stop

    async def _fetch_context(self) -> None:
        tool = self.tools.tools.get(PREFETCH)
        if tool is None:
            self.note(ev.ContextFetched("", "none"))
            return
        began = self.clock.now_ms()
        result = await attempt(tool, tool.arguments(), ToolContext(self.tools.ticket), self._seconds_left())
        self.note(ev.ContextFetched(result.text, result.outcome, (self.clock.now_ms() - began) / 1000))

    def _open_conversation(self) -> None:
        findings = list(self.checkpoint.findings)
        if done := sorted({tool for _, tool in self.checkpoint.effects}):
            findings.append(f"Done already for this ticket, not to be done again: {', '.join(done)}.")
        context = self.checkpoint.context or ""
        text, context_at = cut(self.agent.process.opening(self.tools.ticket, context, "\n".join(findings)), context)
        prompt, taxonomy, tools = self.agent.versions
        self.note(
            ev.ConversationStarted(
                tier=self.checkpoint.tier,
                model=self.model.name,
                prompt_version=prompt,
                taxonomy_version=taxonomy,
                opening=text,
                tools_version=tools,
                code_version=self.agent.code_version,
                messages=len(self.checkpoint.added),
                context_at=context_at,
            )
        )

    async def _run_tools(self) -> None:
        """Answer the calls that the model asked for, up to one that waits for a person or may have gone wrong."""
        step = self.checkpoint.usage.steps
        for call in self.checkpoint.pending:
            if self._seconds_left() == 0:  # an effect begun now could only be cut, and its result lost
                return
            begun = ev.EffectBegun(self.tools.key(call, step), call.name)
            approved = self.checkpoint.proposed if self._is_approved(call) else None
            if not approved and await self._asks(call, step, self._used(call.name, begun.key)):
                return
            try:
                await self._run_tool(call, step, begun, approved)
            except EffectUnknown as error:
                self._fold(begun)
                self.halt(Reason.EFFECT_UNKNOWN, str(error))
                return
            except NotApproved:  # it came too late
                self.checkpoint = changed(self.checkpoint, proposed=None)
                await self._asks(call, step, self._used(call.name, begun.key))
                return

    async def _run_tool(self, call: ToolCall, step: int, begun: ev.EffectBegun, approved: ProposedCall | None) -> None:
        call, approval = (replace(call, arguments=approved.arguments), approved.digest) if approved else (call, "")
        began = self.clock.now_ms()
        used = self._used(call.name, begun.key)
        result = await self.tools.run(call, step, used, self.unwritten, self._seconds_left(), approval)
        if approved and approved.edited_by:
            said = {"arguments_as_a_person_changed_them": call.arguments, "result": json.loads(result.text)}
            result = replace(result, text=json.dumps(said, ensure_ascii=False))
        if result.outcome == "ok" and self.tools.has_effect(call.name):
            self._fold(begun)  # the runner has written it
        seconds = (self.clock.now_ms() - began) / 1000
        self.note(ev.ToolFinished(step, call.id, call.name, call.arguments, result.text, result.outcome, seconds))

    def _is_approved(self, call: ToolCall) -> bool:
        asked = self.checkpoint.proposed
        return asked is not None and asked.call_id == call.id and bool(asked.approved_by)

    async def _asks(self, call: ToolCall, step: int, used: int) -> bool:
        """Put a call before people, where it needs that. What the model has not read yet may have made it stale."""
        if any(self.tools.key(call, step) == key for key, _ in self.checkpoint.effects):
            return False  # it was begun, and is ended
        asked = await self.tools.wanted(call, step, used, self._seconds_left())
        if asked is None:
            return False
        if self.checkpoint.unseen:
            stale = json.dumps({"not_done": "something was added to the ticket: read it, and call again if it holds"})
            self.note(ev.ToolFinished(step, call.id, call.name, call.arguments, stale, "refused"))
            return True
        self.note(asked)
        return True

    def _used(self, tool: str, key: str) -> int:
        """Earlier calls of a tool. Effects count for the whole ticket: a new conversation does not undo them."""
        if self.tools.has_effect(tool):
            return sum(name == tool and begun != key for begun, name in self.checkpoint.effects)
        return sum(name == tool for _, (name, *_) in self.checkpoint.trail)

    async def _call_model(self) -> None:
        call_id, step = uuid4().hex, self.checkpoint.usage.steps + 1
        request = self._request(call_id)
        try:
            reserved = self.model.worst_case(request)
            started = ev.StepStarted(step, call_id, self.model.name, reserved)
            at = await self.tools.ledger.begin_step(started, self.unwritten)
        except StepRefused as refusal:
            self.halt(refusal.reason, refusal.detail, refusal.retry_after_seconds, waits=refusal.waits)
            return
        except ModelError as refusal:
            self.halt(refusal.reason, refusal.detail)
            return
        self.unwritten = []
        self._fold(started, at)
        began = self.clock.now_ms()
        try:
            reply = await self._within_deadline(request)
        except ModelError as error:
            cost = reserved if error.maybe_paid else FREE
            await self._end_failed_step(step, call_id, error, cost, (self.clock.now_ms() - began) / 1000)
        else:
            await self._end_step(step, call_id, reply, (self.clock.now_ms() - began) / 1000)

    async def _within_deadline(self, request: ModelRequest) -> ModelReply:
        left = self._seconds_left()
        limit = self.agent.call_seconds if left is None else min(self.agent.call_seconds, left)
        try:
            async with asyncio.timeout(limit):
                return await self.model.call(request)
        except TimeoutError:
            if left is not None and left <= self.agent.call_seconds:
                raise ModelError(
                    Reason.TIME_LIMIT,
                    f"the call was cut when the run's {self.limits.max_seconds} s were over",
                    maybe_paid=True,
                ) from None
            raise ModelError(
                Reason.MODEL_TIMEOUT, f"no reply within {limit:.0f} s; the call was cut", maybe_paid=True
            ) from None

    async def _end_step(self, step: int, call_id: str, reply: ModelReply, seconds: float) -> None:
        usage, cost = reply.usage, self.model.cost(reply.usage)
        reply = with_own_ids(reply, step, self.checkpoint.messages)
        leaked = says(self.agent.canary, reply.content)
        content = withheld(self.agent.canary, reply.content) if leaked else reply.content
        replied = ev.ModelReplied(
            step, call_id, content, reply.raw_stop or reply.stop.value,
            usage.input_tokens, usage.output_tokens, usage.cache_write_tokens, usage.cache_read_tokens,
            cost, seconds,
        )  # fmt: skip
        stop = ev.RunStopped(step, Reason.INJECTION_SUSPECTED.value, _LEAK)
        events = [replied, *((stop,) if leaked else self._reader.read(reply, self.checkpoint, step))]
        await self.tools.ledger.end_step(call_id, cost, events)
        for event in events:
            self._fold(event)

    async def _end_failed_step(
        self, step: int, call_id: str, error: ModelError, cost: Nanodollars, seconds: float
    ) -> None:
        retry_after = error.retry_after_seconds
        failed = ev.ModelFailed(step, call_id, error.reason.value, error.detail, cost, retry_after, seconds)
        stopped = ev.RunStopped(step, error.reason.value, error.detail, retry_after)
        await self.tools.ledger.end_step(call_id, cost, (failed, stopped))
        self._fold(failed)
        self._fold(stopped)

    @property
    def _reader(self) -> Reader:
        return Reader(self.agent, self.tools.ticket, self.model.name, self.min_confidence, self.shown)

    def _request(self, call_id: str) -> ModelRequest:
        return ModelRequest(
            call_id=call_id,
            ticket=self.tools.ticket,
            system=self.agent.system,
            tools=self.agent.specs,
            messages=self.checkpoint.outgoing,
            max_tokens=self.agent.max_tokens,
            prior_usage=self.checkpoint.prior,
            new_from=self.checkpoint.sent,
            canary=self.agent.canary,
        )

    def _seconds_left(self) -> float | None:
        return seconds_left(self.limits, self.checkpoint.usage, self.clock.now_ms())
