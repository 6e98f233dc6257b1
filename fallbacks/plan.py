"""The failure plan: for every reason, what follows. Exhaustive, printed by `deskhand plan`.

`fallbacks/answers.py` reads it.
"""

from dataclasses import dataclass
from enum import StrEnum

from tasks.language import N_
from tasks.reasons import Reason

DAY_MS = 86_400_000
LONGEST_PARK_SECONDS = 120.0
MET_SECONDS = 10.0
"""Who has met what is the same for all waits until others have probed twice: what is met may have been paid for."""


class Severity(StrEnum):
    """How loud the alert is. info: a person's normal work. warning: look today. error: something is broken."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class InboxQueue(StrEnum):
    """The inbox's queues, by what kind of attention an item wants."""

    SUGGESTIONS = "suggestions"
    APPROVALS = "approvals"
    REVIEW = "review"
    LIMITS = "limits"
    PROVIDER = "provider"
    SECURITY = "security"
    SYSTEM = "system"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class PlanRow:
    """What follows from one reason.

    means: the reason in words. advice: what a person should do next. retries: new tries at once in the same run.
    parks: times the run may be parked, None for as long as its ticket may wait; park_seconds: the first wait, doubled
    each time, unless the provider names one.
    next_tier: whether a stronger model may try; tier_first: before any wait. breaker: whether it counts against the
    provider's circuit breaker; opens: and opens it at once, since it is the same for every ticket.
    """

    means: str
    advice: str
    queue: InboxQueue
    severity: Severity
    retries: int = 0
    parks: int | None = 0
    park_seconds: float = 2.0
    next_tier: bool = False
    tier_first: bool = False
    breaker: bool = False
    opens: bool = False


_REVIEW, _LIMITS, _PROVIDER = InboxQueue.REVIEW, InboxQueue.LIMITS, InboxQueue.PROVIDER
_SECURITY, _SYSTEM = InboxQueue.SECURITY, InboxQueue.SYSTEM
_INFO, _WARNING, _ERROR = Severity.INFO, Severity.WARNING, Severity.ERROR

PLAN: dict[Reason, PlanRow] = {
    Reason.STEP_LIMIT: PlanRow(
        N_("it used all its model calls"),
        N_("Decide by hand, or send it back with a note and more steps."),
        _LIMITS,
        _WARNING,
    ),
    Reason.TOOL_CALL_LIMIT: PlanRow(
        N_("it asked for more tool calls than allowed"),
        N_("Decide by hand, or send it back with a note."),
        _LIMITS,
        _WARNING,
    ),
    Reason.TOKEN_LIMIT: PlanRow(
        N_("it used all its tokens"),
        N_("Decide by hand; a very long ticket may need a higher limit."),
        _LIMITS,
        _WARNING,
    ),
    Reason.COST_LIMIT: PlanRow(
        N_("the next call could cost more than the run may spend"),
        N_("Decide by hand, or send it back with a higher limit."),
        _LIMITS,
        _WARNING,
    ),
    Reason.TIME_LIMIT: PlanRow(
        N_("it ran out of time"),
        N_("Decide by hand, or send it back; check the provider's latency."),
        _LIMITS,
        _WARNING,
    ),
    Reason.DAILY_BUDGET: PlanRow(
        N_("today's fleet budget has no room for the next call"),
        N_("Decide by hand, or raise it (`deskhand budget --day`) and send the group back."),
        _LIMITS,
        _ERROR,
        parks=None,
    ),
    Reason.SOURCE_BUDGET: PlanRow(
        N_("the budget of its source has no room for the next call"),
        N_("Decide by hand, or raise it (`deskhand budget --source`) and send the group back."),
        _LIMITS,
        _WARNING,
        parks=None,
    ),
    Reason.LOOP_DETECTED: PlanRow(
        N_("it repeated itself without learning anything"),
        N_("Decide by hand, or send it back with a note that breaks the tie."),
        _REVIEW,
        _WARNING,
        next_tier=True,
    ),
    Reason.NO_DECISION: PlanRow(
        N_("it answered in prose instead of deciding"),
        N_("Decide by hand, or send it back."),
        _REVIEW,
        _WARNING,
        next_tier=True,
    ),
    Reason.INVALID_DECISION: PlanRow(
        N_("its decision broke the contract twice"),
        N_("Decide by hand; if it repeats, look at how its answers are described."),
        _REVIEW,
        _WARNING,
        next_tier=True,
    ),
    Reason.INVALID_TOOL_CALL: PlanRow(
        N_("it kept calling tools wrongly"), N_("Decide by hand, or send it back."), _REVIEW, _WARNING, next_tier=True
    ),
    Reason.LOW_CONFIDENCE: PlanRow(
        N_("it was not sure enough"),
        N_("Check its suggestion and approve or correct it."),
        _REVIEW,
        _INFO,
        next_tier=True,
    ),
    Reason.MODEL_REFUSED: PlanRow(
        N_("the model refused to work on it"),
        N_("Read it with care and decide by hand."),
        _SECURITY,
        _WARNING,
        next_tier=True,
    ),
    Reason.REPLY_TRUNCATED: PlanRow(
        N_("the model's reply was cut short"), N_("Decide by hand, or send it back."), _REVIEW, _WARNING, next_tier=True
    ),
    Reason.CONTEXT_EXCEEDED: PlanRow(
        N_("the ticket is too long for the model"),
        N_("Decide by hand; if short ones meet it, a proxy in front of the model bounds its requests."),
        _REVIEW,
        _WARNING,
        next_tier=True,
        breaker=True,
    ),
    Reason.UNKNOWN_STOP: PlanRow(
        N_("the model stopped for a reason we do not know"),
        N_("Decide by hand; the model's API may have changed."),
        _SYSTEM,
        _ERROR,
        next_tier=True,
    ),
    Reason.MALFORMED_REPLY: PlanRow(
        N_("the model's reply could not be read"),
        N_("Decide by hand; if it repeats, check the proxy in front of the model."),
        _PROVIDER,
        _ERROR,
        parks=3,
        park_seconds=MET_SECONDS,
        next_tier=True,
        breaker=True,
        opens=True,
    ),
    Reason.MODEL_RATE_LIMITED: PlanRow(
        N_("the provider's rate limit held it up"),
        N_("Send it back when the limit is free; raise the limit or add a tier."),
        _PROVIDER,
        _WARNING,
        parks=6,
        next_tier=True,
        breaker=True,
    ),
    Reason.MODEL_OVERLOADED: PlanRow(
        N_("the provider was overloaded"),
        N_("Send the group back when the provider is well."),
        _PROVIDER,
        _WARNING,
        parks=6,
        next_tier=True,
        breaker=True,
    ),
    Reason.MODEL_UNAVAILABLE: PlanRow(
        N_("the provider could not be reached or failed"),
        N_("Send the group back when the provider is well."),
        _PROVIDER,
        _ERROR,
        retries=1,
        parks=6,
        next_tier=True,
        breaker=True,
    ),
    Reason.MODEL_TIMEOUT: PlanRow(
        N_("the model did not answer in time"),
        N_("Send the group back when the provider is well."),
        _PROVIDER,
        _WARNING,
        retries=1,
        parks=2,
        next_tier=True,
        breaker=True,
    ),
    Reason.MODEL_AUTH: PlanRow(
        N_("the provider refused our key"),
        N_("Fix the model's key or credentials (`deskhand doctor --probe` tries them), then send the group back."),
        _PROVIDER,
        _ERROR,
        parks=6,
        park_seconds=MET_SECONDS,
        breaker=True,
        opens=True,
    ),
    Reason.MODEL_NOT_FOUND: PlanRow(
        N_("the provider does not know the model"),
        N_("Check the model's name and its URL: it may be retired; then send the group back."),
        _PROVIDER,
        _ERROR,
        parks=6,
        park_seconds=MET_SECONDS,
        next_tier=True,
        tier_first=True,
        breaker=True,
        opens=True,
    ),
    Reason.MODEL_SPEND_LIMIT: PlanRow(
        N_("the provider account's spend limit is reached"),
        N_("Raise the provider's limit, then send the group back."),
        _PROVIDER,
        _ERROR,
        parks=6,
        park_seconds=MET_SECONDS,
        breaker=True,
        opens=True,
    ),
    Reason.MODEL_REQUEST_INVALID: PlanRow(
        N_("the provider refused the request as invalid"),
        N_("Decide by hand; report it: this is a fault of ours."),
        _SYSTEM,
        _ERROR,
        breaker=True,
    ),
    Reason.PRICE_UNKNOWN: PlanRow(
        N_("the model has no known price, so its cost cannot be bounded"),
        N_("Name its price in DESKHAND_PRICES, or set a model that `deskhand doctor` knows; then send the group back."),
        _SYSTEM,
        _ERROR,
        parks=None,
        park_seconds=MET_SECONDS,
        next_tier=True,
        tier_first=True,
        breaker=True,
        opens=True,
    ),
    Reason.TOOL_FAILED: PlanRow(
        N_("its tools kept failing"), N_("Check the tool's service, then send the group back."), _SYSTEM, _ERROR
    ),
    Reason.EFFECT_UNKNOWN: PlanRow(
        N_("an action outside may or may not have happened"),
        N_("Look in the receiving system before you send it back or decide."),
        _SYSTEM,
        _ERROR,
    ),
    Reason.NO_READABLE_TEXT: PlanRow(
        N_("nothing in it could be read as text"), N_("Look at the original and decide by hand."), _REVIEW, _INFO
    ),
    Reason.INJECTION_SUSPECTED: PlanRow(
        N_("the text looks like an attempt to steer the agent"),
        N_("Read it as data; check the suggestion with care."),
        _SECURITY,
        _WARNING,
    ),
    Reason.DEADLINE_PASSED: PlanRow(
        N_("it waited longer than it may"),
        N_("Decide by hand now; add workers if it repeats."),
        _LIMITS,
        _WARNING,
    ),
    Reason.REQUESTER_QUOTA: PlanRow(
        N_("its requester sent more tickets in an hour than the agent works"),
        N_("Look for a flood; decide by hand, or send back what is worth it."),
        _LIMITS,
        _WARNING,
    ),
    Reason.MESSAGE_LOOP: PlanRow(
        N_("more was added to it in an hour than the agent works"),
        N_("Look for two machines that answer each other; decide by hand."),
        _LIMITS,
        _WARNING,
    ),
    Reason.SUGGESTION_REJECTED: PlanRow(
        N_("a reviewer rejected the agent's suggestion"),
        N_("Decide by hand; the reviewer's reason is in the timeline."),
        _REVIEW,
        _INFO,
    ),
    Reason.UNREADABLE: PlanRow(
        N_("it could not be read as a ticket"),
        N_("Repair it or dismiss it, and let the sender know."),
        InboxQueue.REJECTED,
        _ERROR,
    ),
    Reason.WORKER_LOST: PlanRow(
        N_("it was being worked on each time a worker died"),
        N_("Decide by hand; report it: it may be what kills them."),
        _SYSTEM,
        _ERROR,
    ),
    Reason.INTERNAL_ERROR: PlanRow(
        N_("Deskhand itself failed on it"),
        N_("Decide by hand; report it with the timeline."),
        _SYSTEM,
        _ERROR,
        next_tier=False,
    ),
    Reason.AUTONOMY_OFF: PlanRow(
        N_("the agent is switched off"), N_("Decide by hand, or switch it on and send the group back."), _LIMITS, _INFO
    ),
}
