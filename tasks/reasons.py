"""Why a run could not finish: the closed set that the failure plan answers, case by case."""

from enum import StrEnum


class Reason(StrEnum):
    """One member per cause a person or the plan would treat differently. The plan glosses each in words."""

    # a limit of the run or the fleet
    STEP_LIMIT = "step_limit"
    TOOL_CALL_LIMIT = "tool_call_limit"
    TOKEN_LIMIT = "token_limit"  # noqa: S105 - a name, not a secret
    COST_LIMIT = "cost_limit"
    TIME_LIMIT = "time_limit"
    DAILY_BUDGET = "daily_budget"
    SOURCE_BUDGET = "source_budget"
    LOOP_DETECTED = "loop_detected"
    # what the model answered
    NO_DECISION = "no_decision"
    INVALID_DECISION = "invalid_decision"
    INVALID_TOOL_CALL = "invalid_tool_call"
    LOW_CONFIDENCE = "low_confidence"
    MODEL_REFUSED = "model_refused"
    REPLY_TRUNCATED = "reply_truncated"
    CONTEXT_EXCEEDED = "context_exceeded"
    UNKNOWN_STOP = "unknown_stop"
    MALFORMED_REPLY = "malformed_reply"
    # the provider
    MODEL_RATE_LIMITED = "model_rate_limited"
    MODEL_OVERLOADED = "model_overloaded"
    MODEL_UNAVAILABLE = "model_unavailable"
    MODEL_TIMEOUT = "model_timeout"
    MODEL_AUTH = "model_auth"
    MODEL_NOT_FOUND = "model_not_found"
    MODEL_SPEND_LIMIT = "model_spend_limit"
    MODEL_REQUEST_INVALID = "model_request_invalid"
    PRICE_UNKNOWN = "price_unknown"
    # tools and effects
    TOOL_FAILED = "tool_failed"
    EFFECT_UNKNOWN = "effect_unknown"
    # the ticket itself
    NO_READABLE_TEXT = "no_readable_text"
    INJECTION_SUSPECTED = "injection_suspected"
    DEADLINE_PASSED = "deadline_passed"
    MESSAGE_LOOP = "message_loop"
    REQUESTER_QUOTA = "requester_quota"
    SUGGESTION_REJECTED = "suggestion_rejected"
    UNREADABLE = "unreadable"
    # the workers and their operators
    WORKER_LOST = "worker_lost"
    INTERNAL_ERROR = "internal_error"
    AUTONOMY_OFF = "autonomy_off"
