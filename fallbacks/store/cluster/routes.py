"""Where each script and each key of a ledger over a cluster goes: the one table."""

from enum import Enum
from functools import cache

from fallbacks.store.keys import KEYS


class Route(Enum):
    """TICKET: to the shard of the ticket. HOME: to the one that has what is of the whole deployment. TAG: to a shard by
    its own name. ALL: to every shard, and merged.
    """

    TICKET = "ticket"
    HOME = "home"
    TAG = "tag"
    ALL = "all"


def _table(*routes: tuple[Route, str]) -> dict[str, Route]:
    return {name: route for route, names in routes for name in names.split()}


SCRIPTS = _table(
    (Route.TICKET, "accept reject claim begin_step end_step begin_effect end_effect move hold settle_outbox"),
    (Route.TICKET, "bring_back erase"),
    (
        Route.HOME,
        "alarm settle_alert control count create_user examples examples_drop keep log session token use_key",
    ),
    (Route.HOME, "mention"),
    (Route.TAG, "answer thread tick relist"),
    (Route.ALL, "audit_index audit_page audit_sums escalate family forget generation inbox_counts inbox_page"),
    (Route.ALL, "leaving_drop leaving_read next_item redeliver renew repair_day rows since sweep"),
    (Route.ALL, "take_alert take_back take_outbox wake"),
)
"""Of each script that the ledger and its neighbours run."""

WITHIN = frozenset(
    {"allot_draw", "allot_grant", "allot_collect", "allot_collected", "breaker_learn", "breaker_probe"}
    | {"claim_key", "clock", "copy_in", "copy_out", "list_ticket", "pass_on", "passed_on", "reads", "rotate", "server"}
    | {"source_turn", "take_on"}
)
"""Scripts that only the store itself runs."""

KEYS_OF = _table(
    (Route.TICKET, "t:* j:* effects:* messages:* original:* left:* heard:*"),
    (Route.TAG, "req:* idem:* thread:* requester:* answer:* mail:* rate:*"),
    (Route.ALL, "s:* line shares touched due inbox inbox:* snoozed outbox outbox_failed alerts recent n m day:* f:*"),
    (Route.ALL, "out:* bounced:* claim:* clock clock_step copies passed"),
    (
        Route.HOME,
        "leaving_turn examples calls_judged last_acts probes probes_used probes_turn group:* person:*",
    ),
    (Route.HOME, "breaker:* alert:* alert:*:tickets control control_log deployed trend trend_turn sign_in_log"),
    (Route.HOME, "receipts relearn workers ready generation caretaker earned earned_turn carried retrain_turn"),
    (Route.HOME, "promises prompts history histories canary intake:held intake:since users session:* sessions:*"),
    (Route.HOME, "mentions:* token:* signin:* api_keys api_keys_used allot:* taken_on layout sweep_turn"),
    (Route.HOME, "revoked folds"),
)
"""Of each key in `keys.KEYS`, where it is read and written by name."""

_PATTERNS = frozenset(key.pattern for key in KEYS)


@cache
def _family(first: str) -> str:
    return f"{first}:*" if f"{first}:*" in _PATTERNS else ""


def pattern_of(name: str) -> str:
    """The pattern in `keys.KEYS` that a key's name is of."""
    if name in _PATTERNS and "*" not in name:
        return name
    return _family(name.partition(":")[0])


def route_of(name: str) -> Route:
    """Of a key. A request counter of an API key is where the keys are."""
    return Route.HOME if name.startswith("rate:key:") else KEYS_OF[pattern_of(name)]


def after_colon(name: str) -> str:
    """What tells one of a family from the others: of a ticket's keys its id."""
    return name.partition(":")[2]
