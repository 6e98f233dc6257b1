"""Every key of the store, a line each: how it is kept and what it holds.

A `*` stands for what is different in each key of a family. The store puts its prefix before every key.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Type(StrEnum):
    """How the server keeps a value, as its TYPE command says it."""

    HASH = "hash"
    LIST = "list"
    SORTED = "zset"
    TEXT = "string"


@dataclass(frozen=True, slots=True)
class Key:
    """pattern: with a `*` where it is a family."""

    pattern: str
    type: Type
    holds: str


KEYS: list[Key] = []


def _key(name: str, type: Type, holds: str) -> str:  # noqa: A002 - Redis calls it so
    KEYS.append(Key(name, type, holds))
    return name


def _keys(pattern: str, type: Type, holds: str) -> Callable[[str], str]:  # noqa: A002 - Redis calls it so
    KEYS.append(Key(pattern, type, holds))
    before, _, after = pattern.partition("*")
    return lambda one: f"{before}{one}{after}"


# tickets
ticket = _keys("t:*", Type.HASH, "a ticket's row: state, version, epoch, owner, lease, money, decision; by ticket id")
journal = _keys("j:*", Type.LIST, "a ticket's events (JSON, oldest first), each stamped with store time and epoch")
effects = _keys(
    "effects:*", Type.HASH, "idempotency key -> `begun:` and its try, or `done:` and its result; by ticket id"
)
messages = _keys("messages:*", Type.HASH, "message id -> digest of its body, of what was added; by ticket id")
original = _keys(
    "original:*",
    Type.HASH,
    "what a ticket was read from, a mail, and texts of what was attached (zlib, base64); `zlib:` and `attached:` and a "
    "message's id: the same of what was added; by ticket id",
)
in_state = _keys("s:*", Type.SORTED, "the tickets in a state, by when they entered it (ms)")
TOUCHED = _key(
    "touched",
    Type.SORTED,
    "the last 10,000 tickets that changed within their state, came back or left, by when (ms): the search reads it",
)
DUE = _key("due", Type.SORTED, "tickets that are queued, running or parked, by when the sweep looks at them (ms)")
LINE = _key("line", Type.SORTED, "the queued tickets in line, by who goes first: urgency, then share of the source")
SHARES = _key("shares", Type.SORTED, "urgency and source -> the source's next turn; at most a thousand names")
claimed = _keys("claim:*", Type.TEXT, "the ticket that a claim took in another's place; by the claim's id; a minute")
idempotency = _keys("idem:*", Type.HASH, "the ticket (id) that an Idempotency-Key made, and its body's digest; a week")
left = _keys("left:*", Type.HASH, "a ticket that went to history just now: its body's digest and state; two minutes")
LEAVING_TURN = _key("leaving_turn", Type.TEXT, "how many processes wanted to move ended tickets in this window")
bounced = _keys("bounced:*", Type.HASH, "the last mail to an address that came back; by digest; ninety days")
requester = _keys("req:*", Type.LIST, "a requester's last twenty tickets that live, newest first; ninety days")
RECENT = _key("recent", Type.LIST, "the last 2000 accepted: when, source, requester (JSON, newest first); a day")

# people
INBOX = _key("inbox", Type.SORTED, "tickets that wait for a person, by when one should have looked (ms)")
inbox_facet = _keys(
    "inbox:*", Type.SORTED, "the same for one queue, reason, facet or assignee: `queue:review`; `team:`: of none"
)
ASSIGNED, ASSIGNEE, GIVEN = "assigned", "assignee:", "given:"
"""Facets of an item that is somebody's: that it is, and whose; and that a person gave it to a group."""

EXAMPLES = _key("examples", Type.LIST, "people's latest decisions (JSON, oldest first) beside what was suggested")
FOLDS = _key("folds", Type.HASH, "fold of people's decisions -> what it follows from, how many are in it, state (JSON)")
SNOOZED = _key("snoozed", Type.SORTED, "items that people hid from serve-next, by until when (ms); some are past")
CALLS_JUDGED = _key("calls_judged", Type.LIST, "what people made of calls that waited (JSON, oldest first)")
LAST_ACTS = _key("last_acts", Type.HASH, "person -> when they last did something to an item (ms), holding it aside")
mentions = _keys(
    "mentions:*", Type.HASH, "the last 200 tickets in whose notes a person was named -> when (ms), ` read` once opened"
)
PROBES = _key("probes", Type.HASH, "known-answer probes not judged yet: ticket id -> what is known of it (JSON)")
PROBES_USED = _key("probes_used", Type.HASH, "tickets that were copied as probes lately -> when (ms)")
PROBES_TURN = _key("probes_turn", Type.TEXT, "how many processes wanted to keep up the probes in this window")
group = _keys("group:*", Type.HASH, "who tries a reason's group again, and the canary that went first; by reason")
person = _keys(
    "person:*",
    Type.HASH,
    "a person's settings of the console; until when they are away, and when a rotation gave them the last item (ms)",
)

# money, breakers and rates
day = _keys("day:*", Type.HASH, "nanodollars spent and reserved in a UTC day, of it also by source; by days since 1970")
figures = _keys("f:*", Type.HASH, "figures of a UTC day for people, see `fallbacks.ledger.sums.figures`; 62 days")
breaker = _keys("breaker:*", Type.HASH, "a model's failures in a row, and until when its circuit breaker is open (ms)")
rate = _keys("rate:*", Type.TEXT, "calls of a tool in this minute; `rate:key:` and its id: requests of an API key")
message_rate = _keys("heard:*", Type.TEXT, "messages added to a ticket in this hour; by ticket id")
thread = _keys("thread:*", Type.TEXT, "the ticket (id) that a mail is, or was added to; by the mail's id; ninety days")
quota = _keys("requester:*", Type.TEXT, "tickets of a requester (by digest) in this hour")
answer = _keys("answer:*", Type.TEXT, "a model's answer that may be used again; by digest of the request")

# what leaves
OUTBOX = _key("outbox", Type.SORTED, "messages on their way, by their next try (ms)")
OUTBOX_FAILED = _key("outbox_failed", Type.SORTED, "messages given up, by when (ms); a week")
message = _keys("out:*", Type.HASH, "one message: ticket, event, body, receiver, attempts, sequence")
ALERTS = _key("alerts", Type.SORTED, "reasons with an alert to send, by when it is due (ms)")
alert = _keys("alert:*", Type.HASH, "a reason's alert: hand-offs since the last, what is being sent, quiet until (ms)")
alert_tickets = _keys("alert:*:tickets", Type.LIST, "ids of its latest tickets, at most five, newest first")

# the deployment
CONTROL = _key("control", Type.HASH, "what is switched at run time: pauses, the kill switch, the day's budget, drains")
CONTROL_LOG = _key("control_log", Type.LIST, "who switched what, deploys, changed people and keys (JSON, newest first)")
DEPLOYED = _key("deployed", Type.HASH, "what the workers that started last run: code, prompt, taxonomy, models")
TREND = _key("trend", Type.LIST, "the figures of the whole every five minutes of the last day (JSON, newest first)")
TREND_TURN = _key("trend_turn", Type.TEXT, "how many processes wanted to write them in this window")
SIGN_IN_LOG = _key("sign_in_log", Type.LIST, "who signed in and out, and who was refused (JSON, newest first)")
RECEIPTS = _key("receipts", Type.LIST, "receipts of erasures, sealed, without what was erased (JSON, newest first)")
RELEARN = _key(
    "relearn", Type.HASH, "receipts of erasures, since which the local model has not learned anew -> when (ms)"
)
WORKERS = _key("workers", Type.HASH, "worker process -> its last heartbeat (JSON)")
READY = _key("ready", Type.TEXT, "how often a web process tried to write in this minute: its `/readyz`")
GENERATION = _key("generation", Type.HASH, "replication id of the server, its number, and the last failover (ms)")
CLOCK = _key("clock", Type.TEXT, "greatest time seen of the server's clock, and how far store time is ahead (ms)")
CLOCK_STEP = _key("clock_step", Type.TEXT, "a step of that clock, until a process has said what it was (ms)")
CARETAKER = _key("caretaker", Type.TEXT, "how many web processes looked after forgotten tickets in this window")
COUNTERS = _key("n", Type.HASH, "counters that the audit balances: accepted, left (for history), alerts raised, ...")
METERS = _key("m", Type.HASH, "counters of `/metrics`, see `fallbacks.ledger.sums.meters`")
EARNED = _key("earned", Type.HASH, "kind, tier and version -> since and until when it was decided alone (ms, JSON)")
REVOKED = _key("revoked", Type.HASH, "kind and when a person revoked its autonomy (ms) -> who, and why (JSON)")
EARNED_TURN = _key("earned_turn", Type.TEXT, "how many processes wanted to look for promotions in this window")
CARRIED = _key("carried", Type.HASH, "tier and version -> whose evidence it has taken over, and what not of it (JSON)")
RETRAIN_TURN = _key("retrain_turn", Type.TEXT, "how many processes wanted to take a round of learning in this window")
PROMISES = _key("promises", Type.HASH, "tier -> from which confidence on it stands by its suggestions, and why (JSON)")
PROMPTS = _key("prompts", Type.HASH, "version -> the text of every prompt that worked here (JSON)")
HISTORY = _key("history", Type.HASH, "which history this deployment's tickets leave for (JSON)")
HISTORIES = _key("histories", Type.HASH, "process -> which history it asks, and when it last said so (ms; JSON)")
CANARY = _key("canary", Type.HASH, "the token that must not leave a model's instructions")
INTAKE_HELD = _key("intake:held", Type.HASH, "items of the queue `intake` that a worker has taken and not accepted yet")
INTAKE_SINCE = _key("intake:since", Type.SORTED, "the same items, by when they were taken (s)")

# only of a ledger over a cluster
SWEEP_TURN = _key("sweep_turn", Type.TEXT, "how many processes wanted to sweep every shard in this window")
LAYOUT = _key("layout", Type.HASH, "how many logical shards the ledger has (JSON): fixed with its first use")
allotments = _keys(
    "allot:*",
    Type.HASH,
    "at home, of a UTC day, or a day or month of a source: what each shard has drawn of the cap and given back, ever",
)
COPIES = _key("copies", Type.HASH, "versions of the hashes that every shard has a copy of; at home also their digests")
PASSED = _key("passed", Type.HASH, "in a shard: how many alerts, examples and judged calls home has taken on, ever")
TAKEN_ON = _key("taken_on", Type.HASH, "at home: how many of each it has taken on from each shard, ever")

# access
USERS = _key("users", Type.HASH, "name -> role and password hash of who may sign in (JSON)")
session = _keys("session:*", Type.HASH, "an open session; by digest of its token")
sessions_of = _keys("sessions:*", Type.SORTED, "a person's open sessions (digests), by when they began (ms)")
token = _keys(
    "token:*", Type.TEXT, "an invitation, or a sign-in that is half done (JSON); by digest of its token; once"
)
sign_ins = _keys("signin:*", Type.TEXT, "tries to sign in within this window; by digest of name or address")
mail_thread = _keys("mail:*", Type.TEXT, "mails of one sender in one thread (a digest) within an hour; an hour")
API_KEYS = _key("api_keys", Type.HASH, "key id -> name, scopes and digest of the secret (JSON)")
API_KEYS_USED = _key("api_keys_used", Type.HASH, "key id -> its last use (ms)")
