"""The local tier of a deployment that has no training data yet: it answers nothing, and says so."""

from typing import NoReturn

from tasks.errors import ModelError
from tasks.money import FREE, Nanodollars
from tasks.reasons import Reason
from tasks.run.messages import ModelRequest, TokenUsage

UNLEARNED = "the local model has learned nothing yet: set DESKHAND_TRAINING_DATA, or `deskhand train` on decisions"


class Unlearned:
    """Implements `tasks.run.ports.Model`; every ticket goes to the next tier, or to a person."""

    name = "local"
    version = "nothing learned"

    async def call(self, request: ModelRequest) -> NoReturn:  # noqa: ARG002 - the port's signature
        """Abstain."""
        raise ModelError(Reason.LOW_CONFIDENCE, UNLEARNED, maybe_paid=False)

    def worst_case(self, request: ModelRequest) -> Nanodollars:  # noqa: ARG002 - the port's signature
        """Nothing."""
        return FREE

    def cost(self, usage: TokenUsage) -> Nanodollars:  # noqa: ARG002 - the port's signature
        """Nothing."""
        return FREE
