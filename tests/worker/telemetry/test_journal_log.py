"""With LOG_FORMAT=json every journal event is one line of ids and numbers; nothing of what anybody said is in it."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from fallbacks.ledger import journal_log
from fallbacks.ledger.journal_log import SAFE, line
from fallbacks.ledger.ledger import Conclusion
from fallbacks.store.redis_store import RedisStore
from tasks.reasons import Reason
from tasks.run import events as ev
from tasks.ticket import Priority
from tasks.triage.process import HandDecision
from tests.fallbacks.scene import DECISION, TRIAGE, Scene, replied
from worker.config.settings import LogFormat
from worker.telemetry.logs import JsonFormatter, RedactingFormatter, configure_logs

SAID = "the-words-of-somebody"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("deskhand.journal")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield written
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def read(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(text) for text in written.getvalue().splitlines()]


def test_every_event_says_which_of_its_fields_are_safe() -> None:
    events = {cls.type: cls for cls in ev.Event.__subclasses__() if cls.type}
    assert set(SAFE) == set(events) - {"unreadable"}


@pytest.mark.parametrize("name", sorted(SAFE))
def test_no_words_of_anybody_are_told(name: str) -> None:
    words = ("result", "detail", "opening", "content", "arguments", "message", "error", "hint", "note", "rationale")
    event: dict[str, Any] = {"type": name, **dict.fromkeys(words, SAID), "outcome": "invalid", "tool": SAID}
    event |= {"decision": {**DECISION, "summary": SAID, "rationale": SAID, "evidence": [SAID]}}
    if name.startswith("effect") or name == "call_proposed":
        del event["tool"]  # one that is allowed here
    if name == "reopened":
        del event["message"]  # an id
    assert SAID not in json.dumps(line("t1", 1, event, TRIAGE.facet_names))


def test_a_tickets_life_is_told_event_by_event(lines: io.StringIO, valkey_url: str) -> None:
    async def story() -> list[dict[str, Any]]:
        store = RedisStore(valkey_url)
        try:
            await _life(Scene(store))
            return [event for i in ("t1", "t2") for event in map(json.loads, await store.journal(i))]
        finally:
            await store.aclose()

    events, found = asyncio.run(story()), read(lines)
    assert sorted((one["ticket"], one["event"]) for one in found) == sorted(
        (e["id"], e["type"]) for e in _named(events)
    )
    assert SAID not in lines.getvalue()
    assert {one["epoch"] for one in found if one["event"] in ("step_started", "model_replied", "suggested")} == {1}
    assert next(one["label"] for one in found if one["event"] == "decided") == "new_loan"


def _named(events: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each event with its ticket: a journal begins with what was accepted."""
    number = 0
    for event in events:
        number += event["type"] == "accepted"
        yield {**event, "id": f"t{number}"}


async def _life(s: Scene) -> None:
    lease = await s.running("t1", body=f"I lost my card {SAID}")
    await s.begin(lease, 100)
    await s.ledger.end_step(lease, "c1", 50, [replied("c1", 50)], model="small", health="well")
    await s.ledger.suggest(lease, Conclusion([ev.ContextFetched(SAID)], DECISION | {"summary": SAID}, Priority.NORMAL))
    version = (await s.inbox.next("ann")).version  # type: ignore[union-attr]
    await s.inbox.note("t1", "ann", SAID)
    view = await s.inbox.decide("t1", "ann", version + 1, HandDecision(label="new_loan", rationale=SAID))
    await s.inbox.undo("t1", "ann", view.version)
    lost = await s.running("t2", body=SAID)
    await s.begin(lost, 100, "c2")
    await s.pass_ms(31_000)
    await s.sweep()
    await s.hand_off(await s.claim("t2"), Reason.LOOP_DETECTED)


def test_personal_data_is_masked_in_other_lines_where_that_is_set() -> None:
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "could not read %s", ("jane@example.com",), None)
    assert "could not read xxxx@xxxxxxx.xxx" in RedactingFormatter(JsonFormatter()).format(record)
    before = logging.getLogger().handlers[:], logging.getLogger().level
    configure_logs(LogFormat.JSON, redacted=True)
    assert isinstance(logging.getLogger().handlers[0].formatter, RedactingFormatter)
    logging.getLogger().handlers[:] = before[0]
    logging.getLogger().setLevel(before[1])


@pytest.mark.parametrize(("log_format", "wanted"), [(LogFormat.JSON, True), (LogFormat.CONSOLE, False)])
def test_lines_of_the_journal_are_for_machines_only(log_format: LogFormat, wanted: bool) -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level, journal_log.log.level
    configure_logs(log_format)
    assert journal_log.listens() is wanted
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    journal_log.log.setLevel(before[2])
