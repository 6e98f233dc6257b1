"""`POST /v1/messages`: check the request, let a fault or the agent answer, say what it would have cost."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from worker.simulator.agent import SEARCH, next_turn
from worker.simulator.conversation import PAUSE_TEXT, Conversation, read_conversation
from worker.simulator.faults import Fault, FaultBoard, FaultName
from worker.simulator.latency import Latency
from worker.simulator.misbehaviour import TURNS
from worker.simulator.refusals import REFUSALS, Refusal, refuse, refused_by
from worker.simulator.replies import Tokens, fresh_id, message, scripted, spoil
from worker.simulator.validation import fault_of
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


class MessagesApi:
    """The API without its socket. require_key: the only key it accepts, None for any.

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

    def answer(self, request: HttpRequest) -> Call | Answer:
        """The call it makes of a request, or the bare refusal of one that is none."""
        request_id = fresh_id("req_01", self._rng)
        if refusal := self._unfit(request):
            return refuse(refusal, request_id)
        try:
            payload = json.loads(request.body)
        except ValueError:
            return refuse(_invalid("The request body is not valid JSON"), request_id)
        if wrong := fault_of(payload, _paused):
            return refuse(_invalid(wrong), request_id)
        if not str(payload["model"]).startswith("claude-"):
            return refuse(replace(REFUSALS[FaultName.NOT_FOUND], message=f"model: {payload['model']}"), request_id)
        conversation = read_conversation(payload)
        if self._reads_context and conversation.prefetched:
            conversation = replace(conversation, called=conversation.called | {SEARCH})
        fault = self._board.take(payload["model"], conversation.ticket_id, conversation.text, conversation.messages)
        usage: dict[str, int] | None = None
        if (reply := refused_by(fault, request_id) if fault else None) is None:
            usage = self._tokens.usage(payload, len(request.body))
            reply = self._reply(conversation, payload, usage, fault, request_id)
            if fault and fault.fault in _UNREADABLE:
                usage = None
        return Call(conversation.ticket_id, conversation.messages, reply, usage)

    def _unfit(self, request: HttpRequest) -> Refusal | None:
        # anthropic 2.12 sends the key as a bearer token, earlier ones as x-api-key.
        key = request.headers.get("x-api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")
        if not key:
            return replace(REFUSALS[FaultName.UNAUTHORIZED], message="x-api-key header is required")
        if self._require_key is not None and key != self._require_key:
            return REFUSALS[FaultName.UNAUTHORIZED]
        if "anthropic-version" not in request.headers:
            return _invalid("anthropic-version: header is required")
        return REFUSALS[FaultName.TOO_LARGE] if request.too_large else None

    def _reply(
        self, conversation: Conversation, payload: Mapping[str, Any], usage: dict[str, int], fault: Fault | None,
        request_id: str,
    ) -> Answer:  # fmt: skip
        if fault and fault.fault is FaultName.SCRIPT and conversation.turn < len(fault.script):
            reply = scripted(fault.script[conversation.turn], payload, usage, self._rng)
        else:
            behave = TURNS.get(fault.fault, next_turn) if fault else next_turn
            reply = message(behave(conversation), payload, usage, self._rng)
        if fault:
            spoil(reply, fault.fault)
        body = json.dumps(reply, ensure_ascii=False).encode(errors="surrogatepass")
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


def _invalid(text: str) -> Refusal:
    return Refusal(400, "invalid_request_error", text)


def _paused(reply: Mapping[str, Any]) -> bool:
    content = reply["content"]
    return isinstance(content, list) and bool(content) and content[-1].get("text") == PAUSE_TEXT
