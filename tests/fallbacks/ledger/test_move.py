"""A move as a value: what its header says, and what it leaves out."""

import json
from typing import Any

import pytest

from fallbacks.ledger.move import (
    STAYS,
    AlertRaised,
    At,
    ByPerson,
    ByWorker,
    In,
    InboxEntry,
    Move,
    OutboxEntry,
    TakesBack,
    read_entry,
)
from fallbacks.ledger.states import State
from fallbacks.plan import Severity
from tasks.reasons import Reason
from tasks.run import events as ev

PLAIN = {"op": "op1", "states": ["running"], "state": "queued", "epoch": "3", "owner": "w1"}
ENTRY = InboxEntry(At(1_000), ("queue:review",))


def header(**parts: Any) -> dict[str, Any]:
    move = Move(**{"to": State.QUEUED, "allowed": (State.RUNNING,), "by": ByWorker(3, "w1"), "events": (), **parts})
    found: dict[str, Any] = json.loads(move.to_header("op1"))
    return found


def test_a_plain_move_says_only_who_moves_and_where_to() -> None:
    assert header() == PLAIN


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"due": At(1_000)}, {"due_at": 1_000}),
        ({"due": In(0)}, {"due_in": 0}),
        ({"due": STAYS}, {"keep_due": True}),
        ({"inbox": ENTRY}, {"inbox": {"sla": 1_000, "facets": ["queue:review"]}}),
        ({"inbox": InboxEntry(In(900), ())}, {"inbox": {"sla_in": 900, "facets": []}}),
        ({"inbox": STAYS}, {"keep_inbox": True}),
        ({"values": {"reason": "step_limit"}}, {"set": {"reason": "step_limit"}}),
        ({"unset": ("reason", "detail")}, {"unset": ["reason", "detail"]}),
        (
            {"alert": AlertRaised(Reason.STEP_LIMIT, Severity.WARNING)},
            {"alert": {"reason": "step_limit", "severity": "warning"}},
        ),
        (
            {"outbox": (OutboxEntry("msg_1", "webhook", "ticket.decided", "{}", 10),)},
            {"outbox": [{"id": "msg_1", "to": "webhook", "event": "ticket.decided", "body": "{}", "due_in": 10}]},
        ),
        ({"undo_in_ms": 10_000}, {"undo_in": 10_000}),
        ({"takes_back": TakesBack((), "{}")}, {"undo": True, "drop_outbox": [], "drop_example": "{}"}),
        ({"example": "{}"}, {"example": "{}"}),
        ({"count": ("undone",)}, {"count": ["undone"]}),
        ({"events": (ev.RunStopped(1, "step_limit"),)}, {"meters": {"budget_exhausted|budget=steps": "1"}}),
    ],
)
def test_each_part_is_said_as_the_script_reads_it(parts: dict[str, Any], said: dict[str, Any]) -> None:
    assert header(**parts) == PLAIN | said


def test_a_person_moves_what_they_were_shown() -> None:
    worker = {"epoch": "3", "owner": "w1"}
    plain = {name: value for name, value in PLAIN.items() if name not in worker}
    assert header(by=ByPerson(7, "ann")) == plain | {"version": 7, "person": "ann"}
    assert header(by=ByPerson()) == plain


@pytest.mark.parametrize("look_by", [At(5), In(5)])
def test_an_entry_that_was_kept_for_an_undo_is_the_same(look_by: At | In) -> None:
    entry = InboxEntry(look_by, ("queue:review", "reason:step_limit"))
    assert read_entry(json.loads(json.dumps(entry.to_values()))) == entry
