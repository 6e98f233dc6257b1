"""Every make keeps the same promises: its official client against the simulator over real HTTP, fault after fault."""

import asyncio
import logging
import socket
import time
from email.utils import formatdate
from typing import Any

import httpx2
import pytest

from tasks.errors import ModelError
from tasks.reasons import Reason
from tasks.run.messages import StopReason
from tasks.triage.decision import read_suggestion
from tests.worker.models.asking import KEY, MAKES, SEARCH, SUBMIT, TAXONOMY, TICKET, answered, refused, replied, served
from tests.worker.models.asking import request as asked_for
from worker.models.remote import RemoteModel
from worker.simulator import Simulator


@pytest.fixture(params=sorted(MAKES))
def make(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_run_ends_in_a_valid_decision_and_every_call_stays_within_its_bound(make: str) -> None:
    async def work(sim: Simulator, model: RemoteModel) -> None:
        asked = asked_for(SEARCH, SUBMIT)
        looked_up = await model.call(asked)
        assert [call.name for call in looked_up.tool_calls] == ["search_knowledge_base"]
        assert 0 < model.cost(looked_up.usage) <= model.worst_case(asked)
        then = answered(asked, looked_up, "Double charges are refunded within five days.")
        submitted = await model.call(then)
        (call,) = submitted.tool_calls
        assert read_suggestion(call.arguments, TICKET, TAXONOMY, model.name).label == "duplicate_charge"
        assert submitted.usage.cache_read_tokens > 0
        assert 0 < model.cost(submitted.usage) <= model.worst_case(then)
        assert sim.calls.report()["tickets"] == {"T-7": {"requests": 2, "finished": 2}}

    served(make, work)


def test_parallel_calls_are_read_in_order_and_answered_together(make: str) -> None:
    calls = [
        {"type": "text", "text": "Looking."},
        {"type": "tool_use", "id": "a1", "name": SEARCH.name, "input": {"query": "x"}},
        {"type": "tool_use", "id": "a2", "name": SEARCH.name, "input": {"query": "y"}},
    ]

    async def work(_: Simulator, model: RemoteModel) -> None:
        asked = asked_for(SEARCH, SUBMIT)
        reply = await model.call(asked)
        assert [(call.id, call.arguments) for call in reply.tool_calls] == [
            ("a1", {"query": "x"}),
            ("a2", {"query": "y"}),
        ]
        assert reply.stop is StopReason.TOOL_USE
        assert (await model.call(answered(asked, reply, "nothing found"))).stop is StopReason.TOOL_USE

    served(make, work, {"name": "script", "script": [calls]})


STATUSES = [
    ("400", Reason.MODEL_REQUEST_INVALID),
    ("prompt_too_long", Reason.CONTEXT_EXCEEDED),
    ("401", Reason.MODEL_AUTH),
    ("402", Reason.MODEL_SPEND_LIMIT),
    ("403", Reason.MODEL_AUTH),
    ("404", Reason.MODEL_NOT_FOUND),
    ("413", Reason.CONTEXT_EXCEEDED),
    ("429", Reason.MODEL_RATE_LIMITED),
    ("spend_limit", Reason.MODEL_SPEND_LIMIT),
    ("500", Reason.MODEL_UNAVAILABLE),
    ("529", Reason.MODEL_OVERLOADED),
    ("error200", Reason.MODEL_OVERLOADED),
    ("sse200", Reason.MODEL_OVERLOADED),
]


@pytest.mark.parametrize(("fault", "reason"), STATUSES)
def test_an_error_of_the_api_has_its_reason_and_was_not_paid(make: str, fault: str, reason: Reason) -> None:
    error = refused(make, {"name": fault})
    assert (error.reason, error.maybe_paid, error.retry_after_seconds) == (reason, False, None)
    assert "\n" not in error.detail
    assert "req_" in error.detail or (make == "vertex" and error.detail.split()[-1].isupper())  # Google names none


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("502", Reason.MODEL_UNAVAILABLE), ("503", Reason.MODEL_UNAVAILABLE), ("504", Reason.MODEL_TIMEOUT)],
)
def test_an_error_of_a_gateway_may_hide_a_paid_call(make: str, fault: str, reason: Reason) -> None:
    error = refused(make, {"name": fault})
    assert (error.reason, error.maybe_paid) == (reason, True)


def test_retry_after_is_read_as_seconds_or_as_a_date_and_never_slept_for(make: str) -> None:
    began = time.monotonic()
    assert refused(make, {"name": "429", "retry_after": 3600.0}).retry_after_seconds == 3600
    later = refused(make, {"name": "529", "retry_after": formatdate(time.time() + 120, usegmt=True)})
    assert later.retry_after_seconds is not None
    assert 30 < later.retry_after_seconds <= 120
    assert refused(make, {"name": "429", "retry_after": formatdate(0, usegmt=True)}).retry_after_seconds == 0
    assert refused(make, {"name": "429", "retry_after": "soon"}).retry_after_seconds is None
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("absurd", ["9" * 30, "9" * 400, "31536000", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_an_absurd_retry_after_is_bounded(make: str, absurd: str) -> None:
    assert refused(make, {"name": "429", "retry_after": absurd}).retry_after_seconds == 24 * 3600


def test_a_429_that_waiting_does_not_cure_is_a_spend_limit(make: str) -> None:
    assert refused(make, {"name": "429", "spend_limit": True}).reason is Reason.MODEL_SPEND_LIMIT


def test_a_failed_call_is_tried_once_only(make: str) -> None:
    async def work(sim: Simulator, model: RemoteModel) -> None:
        with pytest.raises(ModelError):
            await model.call(asked_for())
        assert sim.calls.report()["total"] == {"requests": 1, "finished": 0}

    served(make, work, {"name": "500"})


@pytest.mark.parametrize("fault", ["cut", "cut_before_reply"])
def test_a_connection_cut_after_sending_may_have_been_paid(make: str, fault: str) -> None:
    error = refused(make, {"name": fault})
    assert (error.reason, error.maybe_paid) == (Reason.MODEL_UNAVAILABLE, True)


def refused_at(make: str, url: str) -> ModelError:
    async def main() -> ModelError:
        model = MAKES[make](url)
        try:
            with pytest.raises(ModelError) as caught:
                await model.call(asked_for())
        finally:
            await model.aclose()
        return caught.value

    return asyncio.run(main())


def test_a_refused_connection_was_not_paid(make: str) -> None:
    with socket.socket() as taken:  # bound and never listening: refuses every connection
        taken.bind(("127.0.0.1", 0))
        error = refused_at(make, f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert (error.reason, error.maybe_paid) == (Reason.MODEL_UNAVAILABLE, False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999", "http://host:port", "http://127.0.0.1:1\n", "nothing"])
def test_a_call_to_an_address_that_is_none_is_not_charged(make: str, url: str) -> None:
    error = refused_at(make, url)
    assert (error.reason, error.maybe_paid) == (Reason.MODEL_UNAVAILABLE, False)


def test_a_silent_connection_is_a_timeout_that_may_have_been_paid(make: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.models.httpx2_transport.TIMEOUT", httpx2.Timeout(0.05, connect=60))
    error = refused(make, {"name": "timeout"})
    assert (error.reason, error.maybe_paid) == (Reason.MODEL_TIMEOUT, True)


@pytest.mark.parametrize(
    ("fault", "options"), [("timeout", {}), ("drip", {"seconds": 0.02}), ("slow", {"seconds": 60})]
)
def test_the_callers_deadline_cuts_any_call_truly(make: str, fault: str, options: dict[str, Any]) -> None:
    async def work(sim: Simulator, model: RemoteModel) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await model.call(asked_for())
        assert sim.calls.total_finished == 0

    served(make, work, {"name": fault, **options})


def test_a_cancellation_passes_through_untouched(make: str) -> None:
    async def work(sim: Simulator, model: RemoteModel) -> None:
        calling = asyncio.create_task(model.call(asked_for()))
        async with asyncio.timeout(10):
            while sim.calls.in_flight == 0:  # noqa: ASYNC110 - a server has no event for it
                await asyncio.sleep(0)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling

    served(make, work, {"name": "timeout"})


@pytest.mark.parametrize("fault", ["malformed_json", "absurd_usage", "html200"])
def test_a_reply_that_is_none_is_malformed_and_may_have_been_paid(make: str, fault: str) -> None:
    error = refused(make, {"name": fault})
    assert (error.reason, error.maybe_paid) == (Reason.MALFORMED_REPLY, True)


STOPS = [
    ("prose", StopReason.END_TURN),
    ("refusal", StopReason.REFUSAL),
    ("empty_content", StopReason.END_TURN),
    ("max_tokens", StopReason.MAX_TOKENS),
    ("context_exceeded", StopReason.CONTEXT_WINDOW),
    ("unknown_stop", StopReason.UNKNOWN),
    ("unknown_tool", StopReason.TOOL_USE),
]


@pytest.mark.parametrize(("fault", "stop"), STOPS)
def test_why_a_model_stopped_is_known(make: str, fault: str, stop: StopReason) -> None:
    reply = replied(make, {"name": fault})
    assert reply.stop is stop
    assert reply.raw_stop
    assert reply.usage.output_tokens > 0


def test_no_trace_header_reaches_the_api_and_no_redirect_is_followed(make: str) -> None:
    seen: list[bytes] = []

    async def main() -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            seen.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n")
            writer.close()
            await writer.wait_closed()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            model = MAKES[make](f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            with pytest.raises(ModelError) as caught:  # it would carry the key along
                await model.call(asked_for())
            await model.aclose()
            assert caught.value.reason is Reason.MODEL_UNAVAILABLE

    asyncio.run(main())
    (head,) = seen
    assert not any(name in head.lower() for name in (b"traceparent", b"tracestate", b"sentry-trace", b"baggage"))


def test_the_key_and_the_ticket_are_neither_logged_nor_shown(make: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    error = refused(make, {"name": "400"})
    shown = f"{error!r} {error.detail} {caplog.text} {MAKES[make]('http://127.0.0.1:1')!r}"
    assert KEY not in shown
    assert "charged" not in shown


def test_a_model_serves_one_event_loop_after_the_other(make: str) -> None:
    async def twice(sim: Simulator, model: RemoteModel) -> None:
        await model.call(asked_for())
        await model.aclose()
        await model.call(asked_for())
        assert sim.calls.total_finished == 2

    served(make, twice)
