"""What drafts refunds without a key: rules that read order and amount off a ticket, in the place of a model."""

import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from tasks.money import FREE, Nanodollars
from tasks.run.messages import SUBMIT, ModelReply, ModelRequest, StopReason, TokenUsage

ORDER = re.compile(r"\b[A-Z]-\d{4}\b")
AMOUNT = re.compile(r"(\d{1,6})(?:[.,](\d{2}))? ?(?:EUR|euros?|€)")

REASONS = {"leak": "broken", "broken": "broken", "wrong": "wrong_item", "colour": "wrong_item", "late": "late"}


class RefundReader:
    """`tasks.run.ports.Model` of rules: looks the order up, asks for the refund, and says what came of it."""

    name = "refund-rules"

    async def call(self, request: ModelRequest) -> ModelReply:
        """The next thing that is to be done."""
        name, arguments = _next(request.ticket.text, list(_answers(request)))
        block = {"type": "tool_use", "id": f"tu_{uuid4().hex[:12]}", "name": name, "input": arguments}
        return ModelReply((block,), StopReason.TOOL_USE, TokenUsage(), self.name)

    def worst_case(self, request: ModelRequest) -> Nanodollars:  # noqa: ARG002 - the port
        """Rules cost nothing."""
        return FREE

    def cost(self, usage: TokenUsage) -> Nanodollars:  # noqa: ARG002 - the port
        """Likewise."""
        return FREE


def _next(text: str, answers: list[tuple[str, Any]]) -> tuple[str, dict[str, Any]]:
    orders, amounts = ORDER.findall(text), AMOUNT.findall(text)
    if not orders:
        return SUBMIT, _said("incomplete", None, None, text)
    order = orders[-1]
    found = [answer for name, answer in answers if name == "find_order"]
    if not found:
        return "find_order", {"order": order}
    if not found[-1].get("known"):
        return SUBMIT, _said("not_found", order, None, text)
    left = int(found[-1]["left_cents"])
    euros, cents = amounts[-1] if amounts else ("", "")
    amount = int(euros) * 100 + int(cents or 0) if euros else left
    asked = [answer for name, answer in answers if name == "create_refund"]
    if asked and "something was added" not in str(asked[-1].get("not_done")):
        return SUBMIT, _ended(asked[-1], order, amount, text)
    if not 0 < amount <= left:
        return SUBMIT, _said("not_refundable", order, amount, text)
    return "create_refund", {"order": order, "amount_cents": amount, "reason": _reason(text)}


def _ended(answer: dict[str, Any], order: str, amount: int, text: str) -> dict[str, Any]:
    changed = answer.get("arguments_as_a_person_changed_them") or {}
    made = answer.get("result") or answer
    if "not_done" in made or "error" in made:
        return _said("refused", order, amount, text)
    said = _said("refunded", changed.get("order", order), changed.get("amount_cents", amount), text)
    return said | {"refund": made.get("refund")}


def _said(outcome: str, order: str | None, amount: int | None, text: str) -> dict[str, Any]:
    about = {"order": order, "amount_cents": amount, "reason": _reason(text)}
    return {"outcome": outcome, **about, "refund": None, "confidence": 0.9}


def _reason(text: str) -> str:
    return next((reason for word, reason in REASONS.items() if word in text.lower()), "other")


def _answers(request: ModelRequest) -> Iterator[tuple[str, Any]]:
    """What each call was answered, by its tool, oldest first."""
    names: dict[str, str] = {}
    for message in request.messages:
        for block in message["content"]:
            if block["type"] == "tool_use":
                names[block["id"]] = block["name"]
            elif block["type"] == "tool_result" and names.get(block["tool_use_id"], SUBMIT) != SUBMIT:
                yield names[block["tool_use_id"]], json.loads(block["content"])
