"""Traces of a real worker, read as a collector gets them: one span a call, linked to the sender, telling no text."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.services.celery_worker import CeleryWorker
from tests.services.http_sink import HttpSink
from tests.services.waiting import wait_for
from worker.config.settings import Settings
from worker.config.versions import CODE_VERSION, built_as
from worker.service.celery_factory import sender_app
from worker.telemetry.otel import OtelTracing
from worker.telemetry.otel_environment import make_tracing
from worker.telemetry.tracing import NoTracing, arrived_with, carried_by, sent_in

TRACE, SENDER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
BODY = "My new card has not arrived after two weeks, when will it come?"
REPLY = (
    b'{"id":"msg_1","type":"message","role":"assistant","model":"claude-haiku-5-5","stop_reason":"tool_use",'
    b'"content":[{"type":"tool_use","id":"toolu_1","name":"submit_decision","input":{"label":"card_arrival",'
    b'"priority":"normal","summary":"late","rationale":"so it says","evidence":["has not arrived"],"confidence":0.9}}],'
    b'"usage":{"input_tokens":900,"output_tokens":80,"cache_creation_input_tokens":7,"cache_read_input_tokens":5}}'
)


@pytest.fixture
def api() -> Iterator[HttpSink]:
    with HttpSink() as sink:
        sink.answer = type(sink.answer)(body=REPLY)
        yield sink


def spans(sink: HttpSink) -> list[Span]:
    found = []
    for received in list(sink.received):
        exported = ExportTraceServiceRequest.FromString(received.body)
        found += [span for part in exported.resource_spans for scope in part.scope_spans for span in scope.spans]
    return found


def resource(sink: HttpSink) -> list[KeyValue]:
    """Of everything that was exported."""
    exported = [ExportTraceServiceRequest.FromString(received.body) for received in list(sink.received)]
    return [pair for each in exported for part in each.resource_spans for pair in part.resource.attributes]


def attributes(span: Span) -> dict[str, object]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in span.attributes}


def test_a_run_is_traced_once_and_linked_to_its_sender(
    valkey_url: str, tmp_path: Path, http_sink: HttpSink, api: HttpSink
) -> None:
    settings = {"MODEL": "claude-haiku-5-5", "MIN_CONFIDENCE": "0.5", "LOG_FORMAT": "json"}
    environ = {
        "ANTHROPIC_API_KEY": "k",
        "ANTHROPIC_BASE_URL": api.url,
        "OTEL_EXPORTER_OTLP_ENDPOINT": http_sink.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    app: Celery = sender_app(Settings(redis_url=valkey_url), valkey_url)
    with CeleryWorker(tmp_path, valkey_url, settings, environ):
        ticket = {"id": "t-traced", "source": "test", "subject": "", "body": BODY}
        carried = {"traceparent": f"00-{TRACE}-{SENDER}-01"}
        app.send_task("tasks.triage", kwargs={"ticket": ticket}, queue="tickets", headers=carried)
        wait_for(
            lambda: any(span.name == "invoke_agent deskhand" for span in spans(http_sink)), message="the run's span"
        )
    app.close()
    found = {span.name: span for span in spans(http_sink)}
    run, chat, tool = (
        found[name] for name in ("invoke_agent deskhand", "chat claude-haiku-5-5", "execute_tool ticket_context")
    )
    assert len(spans(http_sink)) == len(found) == 3
    assert len(api.received) == 1
    assert (run.parent_span_id, run.trace_id.hex() == TRACE) == (b"", False)
    assert [(link.trace_id.hex(), link.span_id.hex()) for link in run.links] == [(TRACE, SENDER)]
    assert {span.parent_span_id for span in (chat, tool)} == {run.span_id}
    assert attributes(run)["gen_ai.conversation.id"] == "t-traced"
    assert attributes(run)["deskhand.outcome"] == "suggested"
    assert attributes(tool)["gen_ai.conversation.id"] == "t-traced"
    versions = {pair.value.string_value for pair in resource(http_sink) if pair.key == "service.version"}
    assert versions == {CODE_VERSION}
    told = attributes(chat)
    assert 0 < float(str(told["deskhand.cost_usd"])) < 0.01
    assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"]) == (912, 80)
    assert (told["gen_ai.provider.name"], told["gen_ai.operation.name"]) == ("anthropic", "chat")
    assert not {"traceparent", "tracestate", "baggage"} & api.received[0].headers.keys()
    assert all(b"card" not in received.body for received in http_sink.received)
    logged = (tmp_path / "output.log").read_text()
    assert '"event": "suggested", "ticket": "t-traced", "epoch": 1' in logged
    assert "has not arrived" not in logged


def test_a_run_links_to_what_its_ticket_was_sent_in_and_to_another_message() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing, parent = OtelTracing(provider), f"00-{TRACE}-{SENDER}-01"
    other = f"00-{TRACE}-{SENDER[::-1]}-01"
    for sent, message in ((parent, parent), (parent, ""), ("", ""), (parent, other)):
        token = arrived_with.set({"traceparent": message} if message else {})
        with tracing.run("t1", 1, sent):
            pass
        arrived_with.reset(token)
    assert [len(span.links) for span in exporter.get_finished_spans()] == [1, 1, 0, 2]


@pytest.mark.parametrize(
    ("carried", "kept"), [(f"00-{TRACE}-{SENDER}-01", f"00-{TRACE}-{SENDER}-01"), ("'; DROP", ""), ("", "")]
)
def test_a_trace_that_cannot_be_read_is_left_out(carried: str, kept: str) -> None:
    token = arrived_with.set(carried_by({"traceparent": carried, "cookie": "x"}))
    assert sent_in() == kept
    arrived_with.reset(token)


def test_an_image_names_its_build() -> None:
    assert built_as({"OTEL_RESOURCE_ATTRIBUTES": "deployment=eu, service.version=44de3e6"}) == "44de3e6"
    assert built_as({}) == ""


def test_without_a_collector_nothing_is_wrapped() -> None:
    for environ in ({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"}):
        tracing = make_tracing(environ)
        assert isinstance(tracing, NoTracing)
        assert tracing.outgoing() == {}


def test_a_missing_extra_is_told_and_costs_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "worker.telemetry.otel", None)
    assert isinstance(make_tracing({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}), NoTracing)
