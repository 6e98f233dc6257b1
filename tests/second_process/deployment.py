"""A deployment of the second process: its wiring line, and a model that reads forms. Celery names this module."""

from functools import cached_property
from pathlib import Path
from uuid import uuid4

from tasks.money import FREE, Nanodollars
from tasks.run.messages import SUBMIT, ModelReply, ModelRequest, StopReason, TokenUsage
from tests.second_process.forms import FORM, Forms
from worker.models.tier import Tier
from worker.wiring import Parts

USAGE = TokenUsage(input_tokens=100, output_tokens=10)


class FormReader:
    """A model that answers what stands on the form, and is not sure where the form says "perhaps"."""

    name = "form-reader"

    async def call(self, request: ModelRequest) -> ModelReply:
        assert "Forms: P45, P60, W9" in request.system
        assert request.tools[-1].name == SUBMIT
        found = FORM.search(request.ticket.text)
        assert found is not None, request.ticket.text
        sure = 0.3 if "perhaps" in request.ticket.text else 0.95
        arguments = {"form": found[1], "number": found[2], "confidence": sure}
        block = {"type": "tool_use", "id": f"tu_{uuid4().hex[:12]}", "name": SUBMIT, "input": arguments}
        return ModelReply((block,), StopReason.TOOL_USE, USAGE, self.name)

    def worst_case(self, request: ModelRequest) -> Nanodollars:
        return FREE

    def cost(self, usage: TokenUsage) -> Nanodollars:
        return FREE


class FormParts(Parts):
    """The parts of a process of this deployment. All that tells it from triage."""

    @cached_property
    def process(self) -> Forms:
        return Forms()

    @cached_property
    def tiers(self) -> tuple[Tier, ...]:
        return (Tier(FormReader(), 0.6, "v1"),)

    @property
    def cards(self) -> Path:
        return Path(__file__).parent / "cards"
