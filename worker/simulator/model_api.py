"""A model's API: check the request, let a fault or the agent answer, say what it would have cost."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from worker.simulator.agent import SEARCH, next_turn
from worker.simulator.conversation import Conversation
from worker.simulator.faults import Fault, FaultBoard, FaultName
from worker.simulator.form import Form
from worker.simulator.latency import Latency
from worker.simulator.misbehaviour import TURNS
from worker.simulator.refusals import REFUSALS, Refusal, invalid, refused_by
from worker.simulator.replies import Tokens, fresh_id, message, scripted, spoil
from worker.simulator.wire import Answer, Delivery, HttpRequest

_DELIVERIES = {
    FaultName.DRIP: Delivery.DRIP,
    FaultName.CUT: Delivery.CUT,
    FaultName.CUT_BEFORE_REPLY: Delivery.CUT_BEFORE,
    FaultName.TIMEOUT: Delivery.NEVER,
}

_UNREADABLE = (FaultName.MALFORMED_JSON, FaultName.MISSING_USAGE, FaultName.ABSURD_USAGE)


@dataclass(frozen=True, slots=True)
class Call:
    """One valid request and its answer. usage: what it bills once delivered whole; None for what is never billed."""

    ticket_id: str
    messages: int
    answer: Answer
    usage: dict[str, int] | None


class ModelApi:
    """The API without its socket, in every form. require_key: the only key it accepts, None for any.

    reads_context: whether its agent looks nothing up where context came with the ticket, as its instructions say.
    """

    def __init__(
        self,
        board: FaultBoard,
        latency: Latency,
        rng: random.Random,
        require_key: str | None,
        *,
        reads_context: bool = False,
    ) -> None:
        self._board = board
        self._latency = latency
        self._rng = rng
        self._require_key = require_key
        self._reads_context = reads_context
        self._tokens = Tokens()

    def answer(self, request: HttpRequest, form: Form) -> Call | Answer:
        """The call it makes of a request, or the bare refusal of one that is none."""
        request_id = fresh_id("req_01", self._rng)
        if refusal := self._unfit(request, form):
            return form.refuse(refusal, request_id)
        try:
            given = json.loads(request.body)
        except ValueError:
            return form.refuse(invalid("The request body is not valid JSON"), request_id)
        if wrong := form.fault_of(given):
            return form.refuse(invalid(wrong), request_id)
        model = form.model_of(given)
        if not form.knows(model):
            return form.refuse(REFUSALS[FaultName.NOT_FOUND], request_id)
        payload, conversation = form.payload(given), form.conversation(given)
        if self._reads_context and conversation.prefetched:
            conversation = replace(conversation, called=conversation.called | {SEARCH})
        fault = self._board.take(model, conversation.ticket_id, conversation.text, conversation.messages)
        usage: dict[str, int] | None = None
        if (reply := refused_by(fault, request_id, form.refuse) if fault else None) is None:
            usage = self._tokens.usage(payload, len(request.body))
            reply = self._reply(conversation, payload, usage, fault, request_id, form)
            if fault and fault.fault in _UNREADABLE:
                usage = None
        return Call(conversation.ticket_id, conversation.messages, reply, usage)

    def _unfit(self, request: HttpRequest, form: Form) -> Refusal | None:
        key = form.key_of(request)
        if not key and form.needs_key:
            return REFUSALS[FaultName.UNAUTHORIZED]
        if self._require_key is not None and key != self._require_key:
            return REFUSALS[FaultName.UNAUTHORIZED]
        return form.lacking(request) or (REFUSALS[FaultName.TOO_LARGE] if request.too_large else None)

    def _reply(
        self, conversation: Conversation, payload: Mapping[str, Any], usage: dict[str, int], fault: Fault | None,
        request_id: str, form: Form,
    ) -> Answer:  # fmt: skip
        if fault and fault.fault is FaultName.SCRIPT and conversation.turn < len(fault.script):
            reply = scripted(fault.script[conversation.turn], payload, usage, self._rng)
        else:
            behave = TURNS.get(fault.fault, next_turn) if fault else next_turn
            reply = message(behave(conversation), payload, usage, self._rng)
        if fault:
            spoil(reply, fault.fault)
        body = json.dumps(form.reply(reply, payload), ensure_ascii=False).encode(errors="surrogatepass")
        if fault and fault.fault is FaultName.MALFORMED_JSON:
            body = body[: len(body) // 2]
        slow = fault.seconds if fault and fault.fault is FaultName.SLOW else 0.0
        return Answer(
            200,
            body,
            {"content-type": "application/json", "request-id": request_id},
            delivery=_DELIVERIES.get(fault.fault, Delivery.WHOLE) if fault else Delivery.WHOLE,
            wait_seconds=slow + self._latency(usage["output_tokens"]),
            drip_seconds=fault.seconds if fault else 0.0,
        )
