"""`POST /v1/systemone`: a decision model, which answers questions with probabilities."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from worker.simulator.agent import SUBMIT
from worker.simulator.conversation import Conversation, read_conversation
from worker.simulator.form import Payload, bearer_key
from worker.simulator.refusals import Refusal, answered
from worker.simulator.wire import Answer, HttpRequest

_TYPES = ("choice", "score", "noul")
_LEAST_OPTIONS = {"choice": 2, "score": 2}
_DECISION = {"type": "object", "properties": {name: {} for name in ("label", "priority", "confidence")}}


class SystemOneForm:
    """Implements `Form`. The agent's label answers the first choice, its priority the first score."""

    needs_key: ClassVar[bool] = False

    def key_of(self, request: HttpRequest) -> str:
        """See `Form`."""
        return bearer_key(request)

    def lacking(self, request: HttpRequest) -> Refusal | None:  # noqa: ARG002 - the form's
        """See `Form`."""
        return None

    def fault_of(self, payload: Any) -> str | None:
        """See `Form`."""
        return next(_faults(payload), None) if isinstance(payload, dict) else "body: a JSON object is expected"

    def model_of(self, payload: Payload) -> str:
        """See `Form`."""
        return str(payload["model"])

    def knows(self, model: str) -> bool:
        """See `Form`."""
        return not model.startswith(("claude-", "gpt-"))

    def payload(self, payload: Payload) -> Payload:
        """The options of the first choice are the labels."""
        state = payload["state"] if isinstance(payload["state"], str) else json.dumps(payload["state"])
        text = state if "<ticket>" in state else f"<ticket>{state}</ticket>"
        labels: Mapping[str, Any] = next(
            (each["criteria"] for each in payload["questions"].values() if each["type"] == "choice"), {}
        )
        return {
            "model": payload["model"],
            "max_tokens": 4096,
            "system": "\n".join(f"- {name} (team): {about or ''}" for name, about in labels.items()),
            "tools": [{"name": SUBMIT, "input_schema": _DECISION}],
            "messages": [{"role": "user", "content": [{"type": "text", "text": text}]}],
            "questions": payload["questions"],
        }

    def conversation(self, payload: Payload) -> Conversation:
        """See `Form`."""
        return read_conversation(self.payload(payload))

    def reply(self, message: dict[str, Any], payload: Payload) -> dict[str, Any]:
        """Questions that the agent's call does not answer are left out, as a model leaves out what it cannot read."""
        given: Mapping[str, Any] = next(
            (block["input"] for block in message["content"] if block.get("name") == SUBMIT), {}
        )
        answered = {name: _answer(question, given) for name, question in payload["questions"].items()}
        reply = {"model": message["model"], "answers": {name: each for name, each in answered.items() if each}}
        if (usage := message.get("usage")) is not None:
            tokens = sum(count for name, count in usage.items() if name.endswith("input_tokens"))
            reply["usage"] = {"input_tokens": tokens, "output_tokens": usage["output_tokens"]}
        return reply

    def refuse(self, refusal: Refusal, request_id: str, retry_after: float | str | None = None) -> Answer:
        """See `Form`."""
        error = {"message": refusal.message, "type": refusal.type, "code": refusal.code}
        return answered(refusal.status, {"error": error}, {"x-request-id": request_id}, retry_after)


def _faults(payload: Mapping[str, Any]) -> Iterator[str]:
    for name in ("model", "state", "questions"):
        if not payload.get(name):
            yield f"{name}: Field required"
    for name in sorted(payload.keys() - {"model", "state", "questions"}):
        yield f"{name}: Extra inputs are not permitted"
    for name, question in payload["questions"].items():
        if question.get("type") not in _TYPES or not question.get("instructions"):
            yield f"questions.{name}: a type and instructions are required"
        elif len(question.get("criteria") or ()) < _LEAST_OPTIONS.get(question["type"], 0):
            yield f"questions.{name}.criteria: at least two options are required"


def _answer(question: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any] | None:
    confidence = given.get("confidence", 0.9)
    if not {"label", "confidence"} <= given.keys():
        return None
    match question["type"]:
        case "choice":
            chances = _spread(list(question["criteria"]), given["label"], confidence)
            return {"type": "choice", "choice": given["label"], "probabilities": chances, "confidence": confidence}
        case "score":
            levels = [str(level) for level in question["criteria"]]
            chosen = next((at for at, level in enumerate(levels) if level.startswith(given.get("priority", "-"))), 0)
            chances = _spread([str(at) for at in range(len(levels))], str(chosen), 0.9)
            legend = {str(at): level for at, level in enumerate(levels)}
            return {"type": "score", "score": chosen, "probabilities": chances, "legend": legend, "confidence": 0.9}
        case _:
            return {"type": "noul", "noul": 0.02}


def _spread(options: list[str], best: str, chance: float) -> dict[str, float]:
    """The rest over the others, evenly."""
    others = [option for option in options if option != best]
    return {best: chance} | {option: (1 - chance) / len(others) for option in others}
