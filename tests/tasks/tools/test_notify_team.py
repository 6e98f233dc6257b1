"""The effectful tool: what the model may say, and what the receiver gets."""

import asyncio
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from standardwebhooks import Webhook

from tasks.errors import ToolError
from tasks.run.tool import Effect, ToolContext
from tasks.ticket import Ticket
from tasks.tools.notify_team import NotifyArguments, notify_team
from tests.services.http_sink import Answer, HttpSink
from worker.config.settings import load_settings
from worker.outcomes.http_notifier import HttpNotifier

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TICKET = Ticket(id="t1", source="test", subject="Fraud", body="Somebody is taking my money right now.")
ARGUMENTS = NotifyArguments(urgency="now", note="Fraud going on")


def notify(sink: HttpSink, key: str = "t1:1:call", ticket: Ticket = TICKET, **options: Any) -> Any:
    async def call() -> Any:
        async with HttpNotifier(f"{sink.url}/duty", SecretStr(SECRET), **options) as notifier:
            return await notify_team.bind({"notifier": notifier}).run(ARGUMENTS, ToolContext(ticket, key))

    return asyncio.run(call())


def test_the_receiver_gets_a_signed_call_with_the_effects_key(http_sink: HttpSink) -> None:
    assert notify(http_sink) == {"notified": "the duty team"}
    (request,) = http_sink.received
    assert request.headers["idempotency-key"] == request.headers["webhook-id"] == "t1:1:call"
    data = Webhook(SECRET).verify(request.body, dict(request.headers))
    assert data["data"] == {"ticket_id": "t1", "urgency": "now", "note": "Fraud going on"}


def test_a_ticket_whose_id_has_a_colon_is_named_in_full(http_sink: HttpSink) -> None:
    notify(http_sink, "zendesk:17:1:call", TICKET.model_copy(update={"id": "zendesk:17"}))
    assert b'"ticket_id": "zendesk:17"' in http_sink.received[0].body


def test_trouble_is_retried_under_the_same_key(http_sink: HttpSink) -> None:
    http_sink.next.extend([Answer(503), Answer(500)])
    notify(http_sink)
    assert [request.headers["idempotency-key"] for request in http_sink.received] == ["t1:1:call"] * 3


def test_a_refusal_is_an_error_without_secrets(http_sink: HttpSink) -> None:
    http_sink.answer = Answer(403)
    with pytest.raises(ToolError, match="answered 403"):
        notify(http_sink)
    assert len(http_sink.received) == 1


def test_a_hanging_receiver_is_cut(http_sink: HttpSink) -> None:
    http_sink.answer = Answer(delay_seconds=5)
    with pytest.raises(ToolError, match=r"within 0\.2 s"):
        notify(http_sink, seconds=0.2)


def test_the_model_cannot_say_where_or_whom() -> None:
    for extra in ({"url": "http://x"}, {"team": "x"}, {"note": "x" * 281}, {"urgency": "soon"}):
        with pytest.raises(ValidationError):
            NotifyArguments.model_validate({"urgency": "now", "note": "n"} | extra)


def test_it_declares_that_its_receiver_honours_the_key() -> None:
    assert notify_team.effect is Effect.KEYED
    assert "notify_team" not in load_settings(model="local").tools
