"""Outcomes on their way out: to a receiver that fails, hangs, redirects, is gone and recovers."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from standardwebhooks import Webhook

from fallbacks.delivery.http_webhooks import HttpWebhooks
from fallbacks.delivery.outbox import (
    DISABLED,
    MAX_BYTES,
    TRIES,
    WAITS,
    Message,
    Outbox,
    OutboxAdmin,
    Receipt,
    Sent,
    payload,
)
from fallbacks.delivery.signing import read_secrets
from fallbacks.errors import WebhookMessageGone, WebhookSecretError
from fallbacks.inbox.endings import UNDO_MS
from fallbacks.store.redis_store import RedisStore
from tests.fallbacks.scene import Scene
from tests.services.http_sink import Answer, HttpSink, Received

SECRET, FORMER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_b2xkLXNlY3JldC1vbGQtc2VjcmV0"

Story = Callable[[Scene, Outbox], Awaitable[None]]


@pytest.fixture
def play(valkey_url: str, http_sink: HttpSink) -> Callable[..., None]:
    """Plays a story with an outbox that sends to the sink."""

    def played(story: Story, **options: Any) -> None:
        asyncio.run(told(story, options))

    async def told(story: Story, options: dict[str, Any]) -> None:
        async with opened(valkey_url, http_sink.url, **options) as (scene, outbox):
            await story(scene, outbox)

    return played


@asynccontextmanager
async def opened(url: str, receiver: str, **options: Any) -> AsyncIterator[tuple[Scene, Outbox]]:
    store = RedisStore(url)
    sender = HttpWebhooks(receiver, options.pop("secret", SECRET), allow_private=True, **options)
    try:
        yield Scene(store), Outbox(store, sender, jitter=lambda: 0.5)
    finally:
        await sender.aclose()
        await store.aclose()


async def cancelled(scene: Scene, ticket_id: str = "t1") -> None:
    """A ticket whose outcome is due now."""
    await scene.accept(ticket_id)
    await scene.inbox.cancel(ticket_id, "anna")


def verified(request: Received, secret: str = SECRET) -> dict[str, Any]:
    body: dict[str, Any] = Webhook(secret).verify(request.body, dict(request.headers))
    return body


def only(sent: list[Sent]) -> Sent:
    (one,) = sent
    return one


def test_an_outcome_is_signed_and_delivered_once(play: Callable[..., None], http_sink: HttpSink) -> None:
    async def story(scene: Scene, outbox: Outbox) -> None:
        await cancelled(scene)
        assert (await scene.inbox.views.ticket("t1")).delivery == "pending"
        sent = only(await outbox.send_due())
        assert (sent.receipt, sent.ended) == (Receipt.DELIVERED, True)
        assert (await scene.inbox.views.ticket("t1")).delivery == "delivered"
        assert await outbox.send_due() == []

    play(story)
    (request,) = http_sink.received
    body = verified(request)
    assert (body["type"], body["data"], body["sequence"]) == (
        "ticket.cancelled",
        {"id": "t1", "state": "cancelled"},
        1,
    )
    assert request.headers["webhook-id"].startswith("msg_")


def test_a_secret_changes_over_without_a_gap(play: Callable[..., None], http_sink: HttpSink) -> None:
    async def story(scene: Scene, outbox: Outbox) -> None:
        await cancelled(scene)
        await outbox.send_due()

    play(story, secret=f"{SECRET}, {FORMER}")
    (request,) = http_sink.received
    assert verified(request, SECRET) == verified(request, FORMER)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=500),
        Answer(status=302, headers={"Location": "/elsewhere"}),
        Answer(status=404),
        Answer(delay_seconds=30),
    ],
    ids=["fails", "redirects", "is missing", "hangs"],
)
def test_what_did_not_arrive_is_sent_again_under_its_id(
    play: Callable[..., None], http_sink: HttpSink, answer: Answer
) -> None:
    http_sink.next.append(answer)

    async def story(scene: Scene, outbox: Outbox) -> None:
        await cancelled(scene)
        assert (await outbox.send_due())[0].receipt is Receipt.FAILED
        assert await outbox.send_due() == []
        await scene.pass_ms(int(WAITS[0] * 1000))
        assert (await outbox.send_due())[0].receipt is Receipt.DELIVERED

    play(story, timeout=0.5)
    first, second = http_sink.received
    assert (first.path, second.path) == ("/", "/")
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert verified(first) == verified(second)


def test_ten_tries_over_three_days_then_it_is_given_up_and_can_be_sent_again(
    play: Callable[..., None], http_sink: HttpSink
) -> None:
    http_sink.answer = Answer(status=503)

    async def story(scene: Scene, outbox: Outbox) -> None:
        await cancelled(scene)
        for wait in WAITS:
            assert not only(await outbox.send_due()).ended
            await scene.pass_ms(int(wait * 1000))
        last = only(await outbox.send_due())
        assert (last.ended, last.message.attempt) == (True, TRIES)
        assert (await scene.inbox.views.ticket("t1")).delivery == "failed"
        admin = OutboxAdmin(scene.store)
        (entry,) = await admin.entries()
        assert (entry.outcome, entry.attempts, entry.error, entry.due_ms) == ("failed", 10, "HTTP 503", None)
        assert [each.id for each in await admin.undelivered()] == [entry.id]
        assert await admin.undelivered(await scene.store.now_ms() + 60_000) == [], "none was given up since then"
        http_sink.answer = Answer()
        assert await admin.redeliver(entry.id) == "t1"
        assert await admin.undelivered() == [], "it was not tried yet"
        again = only(await outbox.send_due())
        assert (again.receipt, again.message.id, again.message.attempt) == (Receipt.DELIVERED, entry.id, 1)
        assert await admin.entries() == []

    play(story)
    assert sum(WAITS) == pytest.approx(75.6 * 3600, rel=0.01)
    assert len({request.headers["webhook-id"] for request in http_sink.received}) == 1


def test_what_can_still_be_undone_does_not_leave_by_being_sent_again(
    play: Callable[..., None], http_sink: HttpSink
) -> None:
    async def story(scene: Scene, outbox: Outbox) -> None:
        decided = await scene.inbox.approve("t1", "anna", await scene.suggested("t1"))
        (message_id,) = await scene.members("outbox")
        await OutboxAdmin(scene.store).redeliver(message_id)
        assert await outbox.send_due() == []
        await scene.inbox.undo("t1", "anna", decided.version)
        await scene.pass_ms(UNDO_MS)
        assert await outbox.send_due() == []

    play(story)
    assert http_sink.received == []


def test_410_stops_everything_until_it_is_enabled_and_loses_nothing(
    play: Callable[..., None], http_sink: HttpSink
) -> None:
    http_sink.next.append(Answer(status=410))

    async def story(scene: Scene, outbox: Outbox) -> None:
        await cancelled(scene, "t1")
        assert only(await outbox.send_due()).receipt is Receipt.GONE
        await cancelled(scene, "t2")
        await scene.pass_ms(600_000)
        assert await outbox.send_due() == []
        control = await scene.store.fields("control")
        assert control[DISABLED].startswith("HTTP 410")
        admin = OutboxAdmin(scene.store)
        assert await admin.enable() == control[DISABLED]
        assert await admin.enable() is None
        assert {sent.message.ticket_id for sent in await outbox.send_due()} == {"t1", "t2"}

    play(story)
    assert len(http_sink.received) == 3


def test_the_sequence_tells_the_order_that_delivery_lost(play: Callable[..., None], http_sink: HttpSink) -> None:
    http_sink.next.append(Answer(status=500))

    async def story(scene: Scene, outbox: Outbox) -> None:
        await scene.suggested("t1")
        view = await scene.inbox.approve("t1", "anna", None)
        await scene.inbox.undo("t1", "anna", view.version)
        await scene.inbox.approve("t1", "anna", None)
        await scene.pass_ms(UNDO_MS)
        assert only(await outbox.send_due()).receipt is Receipt.FAILED  # what was undone never leaves
        await cancelled(scene, "t2")
        await scene.pass_ms(int(WAITS[0] * 1000))
        await outbox.send_due()

    play(story)
    bodies = [verified(request) for request in http_sink.received]
    told = {(body["data"]["id"], body["sequence"], body["type"]) for body in bodies}
    assert told == {("t1", 2, "ticket.decided"), ("t2", 1, "ticket.cancelled")}


def test_nothing_leaves_while_it_can_be_undone(play: Callable[..., None], http_sink: HttpSink) -> None:
    async def story(scene: Scene, outbox: Outbox) -> None:
        await scene.suggested("t1")
        await scene.inbox.approve("t1", "anna", None)
        await scene.pass_ms(UNDO_MS - 2000)
        assert await outbox.send_due() == []

    play(story)
    assert http_sink.received == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "10.0.0.8", "169.254.169.254", "[::ffff:10.0.0.8]"]
)
def test_an_address_that_is_not_public_is_refused(host: str, http_sink: HttpSink) -> None:
    async def told() -> tuple[Receipt, str]:
        port = http_sink.url.rpartition(":")[2]
        sender = HttpWebhooks(f"http://{host}:{port}/", SECRET, allow_private=False)
        try:
            return await sender.send(Message("msg_1", "t1", "ticket.cancelled", "{}", 1))
        finally:
            await sender.aclose()

    receipt, why = asyncio.run(told())
    assert receipt is Receipt.FAILED
    assert "not public" in why
    assert http_sink.received == []


def test_the_body_stays_below_20_kb() -> None:
    decision = {"label": "x", "evidence": ["ж" * 500] * 5, "rationale": "ж" * 2000, "summary": "ж" * 500}
    huge = {**decision, "rationale": "ж" * 12_000}
    small = json.loads(payload(json.dumps({"data": {"decision": decision}}), 3))
    text = payload(json.dumps({"data": {"decision": huge}}), 3)
    assert (small["data"]["decision"], small["sequence"]) == (decision, 3)
    assert len(text.encode()) < MAX_BYTES
    assert json.loads(text)["data"]["truncated"] == ["evidence", "rationale"]


def test_a_message_nobody_knows_cannot_be_sent_again(play: Callable[..., None]) -> None:
    async def story(scene: Scene, _: Outbox) -> None:
        with pytest.raises(WebhookMessageGone):
            await OutboxAdmin(scene.store).redeliver("msg_none")

    play(story)


@pytest.mark.parametrize("secret", ["", " , ", "whsec_", "whsec_!!", f"{SECRET} nonsense!"])
def test_a_secret_that_is_none_is_named_by_its_place(secret: str) -> None:
    with pytest.raises(WebhookSecretError):
        read_secrets(secret)
