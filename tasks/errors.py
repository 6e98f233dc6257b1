"""Every error this package raises."""

from tasks.reasons import Reason


class TasksError(Exception):
    """Base of the package's errors."""


class InvalidDecision(TasksError, ValueError):
    """A decision broke the contract. The message is written for who gave it: a model gets it once, a person at once.

    field: the one at fault, where it is one.
    """

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class InvalidTaxonomy(TasksError):
    """A taxonomy contradicts itself. `path` names the entry, e.g. ("labels", 3, "team")."""

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.path = path


class InvalidPrompt(TasksError):
    """A prompt cannot be used. The message goes on after the name of its file."""


class ModelError(TasksError):
    """A model call gave no usable reply.

    reason: what the failure plan is asked about.
    detail: one line for people; never ticket text.
    maybe_paid: whether the provider may have charged it; if so it is settled at its full reservation.
    retry_after_seconds: the provider's own wish, None when it gave none.
    """

    def __init__(
        self, reason: Reason, detail: str, *, maybe_paid: bool, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.maybe_paid = maybe_paid
        self.retry_after_seconds = retry_after_seconds


class ToolError(TasksError):
    """A tool could not do its work. The message goes to the model and the journal: no secrets, one line."""


class StepRefused(TasksError):
    """The ledger refused to begin a step: a budget, the kill switch or a cancellation. Nothing was reserved.

    waits: a circuit breaker is open, or other calls hold the money; so the ticket waits, and it counts as no try.
    """

    def __init__(
        self, reason: Reason, detail: str, retry_after_seconds: float | None = None, *, waits: bool = False
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds
        self.waits = waits


class NewMessages(TasksError):
    """Something was added to the ticket that the run has not seen. Nothing was written: read the journal again."""


class NotApproved(TasksError):
    """An effect needs a person's approval and has none, or none any more. Nothing was written."""


class LeaseLost(TasksError):
    """Somebody else owns this ticket now. Stop at once and write nothing."""


class Draining(TasksError):
    """This worker is shutting down: give the ticket back before the next step. Nothing was reserved."""


class EffectUnknown(TasksError):
    """An effect was begun, its result was lost, and its receiver does not honour the key: a person must look."""
