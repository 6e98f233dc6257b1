"""Traces with OpenTelemetry, by its GenAI conventions (names of our own: the conventions are in development).

The provider is ours and not the process's global one, so that no library adds a second span to a call, and nothing is
propagated to the model's API. `invoke_agent` is a root span with a link to whoever sent the message.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanKind, StatusCode, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tasks.errors import ModelError
from tasks.money import Nanodollars, to_usd
from tasks.run.messages import ModelReply, ModelRequest, TokenUsage
from tasks.run.ports import Model
from tasks.run.tool import Tool, ToolContext
from worker.config.models import Make, read_model
from worker.config.versions import CODE_VERSION
from worker.telemetry.tracing import Ended, arrived_with

AGENT = "deskhand"

OPERATION, PROVIDER = "gen_ai.operation.name", "gen_ai.provider.name"
AGENT_NAME, CONVERSATION = "gen_ai.agent.name", "gen_ai.conversation.id"
REQUEST_MODEL, REQUEST_MAX_TOKENS = "gen_ai.request.model", "gen_ai.request.max_tokens"
RESPONSE_MODEL, FINISH_REASONS = "gen_ai.response.model", "gen_ai.response.finish_reasons"
INPUT_TOKENS, OUTPUT_TOKENS = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
CACHE_READ, CACHE_WRITE = "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_creation.input_tokens"
TOOL_NAME, TOOL_TYPE = "gen_ai.tool.name", "gen_ai.tool.type"
ERROR_TYPE = "error.type"
COST = "deskhand.cost_usd"

_W3C = TraceContextTextMapPropagator()


class OtelTracing:
    """`worker.telemetry.tracing.Tracing` over one provider, made after any fork."""

    def __init__(self, provider: TracerProvider) -> None:
        self.provider = provider
        self._tracer = provider.get_tracer(AGENT)

    @contextmanager
    def run(self, ticket_id: str, epoch: int, sent_in: str) -> Iterator[Ended]:
        """`invoke_agent deskhand`: a trace of its own for each epoch."""
        attributes = {
            OPERATION: "invoke_agent",
            AGENT_NAME: AGENT,
            CONVERSATION: ticket_id,
            "deskhand.epoch": epoch,
        }
        with self._span(f"invoke_agent {AGENT}", SpanKind.INTERNAL, attributes, Context(), _links(sent_in)) as span:
            yield lambda outcome: span.set_attribute("deskhand.outcome", outcome)

    def model(self, model: Model) -> Model:
        """The model with `chat {model}` around each call."""
        return _TracedModel(model, self._span)

    def tool(self, tool: Tool) -> Tool:
        """The tool with `execute_tool {name}` around each execution."""
        return replace(tool, run=_traced_tool(tool, self._span))

    def outgoing(self) -> dict[str, str]:
        """The current span's context as W3C headers."""
        headers: dict[str, str] = {}
        _W3C.inject(headers)
        return headers

    @contextmanager
    def _span(
        self, name: str, kind: SpanKind, attributes: Mapping[str, Any], context: Context | None = None, links: Any = ()
    ) -> Iterator[Span]:
        """A span that says what kind of error ended it, and no message: that may quote anything."""
        with self._tracer.start_as_current_span(
            name, context, kind, dict(attributes), links, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except BaseException as error:
                kind_of = error.reason.value if isinstance(error, ModelError) else type(error).__qualname__
                span.set_attribute(ERROR_TYPE, kind_of)
                span.set_status(StatusCode.ERROR)
                raise


Opened = Callable[..., AbstractContextManager[Span]]


class _TracedModel:
    """`tasks.run.ports.Model` around another: exactly one span for each call."""

    def __init__(self, model: Model, opened: Opened) -> None:
        self._model = model
        self._opened = opened

    @property
    def name(self) -> str:
        return self._model.name

    def worst_case(self, request: ModelRequest) -> Nanodollars:
        return self._model.worst_case(request)

    def cost(self, usage: TokenUsage) -> Nanodollars:
        return self._model.cost(usage)

    async def call(self, request: ModelRequest) -> ModelReply:
        make = read_model(self.name).make
        local = make is Make.LOCAL
        attributes: dict[str, Any] = {
            OPERATION: "chat",
            PROVIDER: AGENT if local else make.value,
            AGENT_NAME: AGENT,
            REQUEST_MODEL: self.name,
            REQUEST_MAX_TOKENS: request.max_tokens,
            "deskhand.call_id": request.call_id,
        }
        if request.ticket.id:
            attributes[CONVERSATION] = request.ticket.id
        with self._opened(f"chat {self.name}", SpanKind.INTERNAL if local else SpanKind.CLIENT, attributes) as span:
            reply = await self._model.call(request)
            span.set_attributes({**_said_of(reply), COST: to_usd(self._model.cost(reply.usage))})
            return reply

    async def aclose(self) -> None:
        if close := getattr(self._model, "aclose", None):
            await close()


def _traced_tool(tool: Tool, opened: Opened) -> Callable[[Any, ToolContext], Awaitable[Any]]:
    attributes = {OPERATION: "execute_tool", TOOL_NAME: tool.name, TOOL_TYPE: "function", AGENT_NAME: AGENT}

    async def run(arguments: Any, context: ToolContext) -> Any:
        of = {CONVERSATION: context.ticket.id} if context.ticket.id else {}
        with opened(f"execute_tool {tool.name}", SpanKind.INTERNAL, {**attributes, **of}):
            return await tool.run(arguments, context)

    return run


def _said_of(reply: ModelReply) -> dict[str, Any]:
    usage = reply.usage
    return {
        RESPONSE_MODEL: reply.model,
        FINISH_REASONS: [reply.stop.value],
        INPUT_TOKENS: usage.billed_input,
        OUTPUT_TOKENS: usage.output_tokens,
        CACHE_READ: usage.cache_read_tokens,
        CACHE_WRITE: usage.cache_write_tokens,
    }


def _links(sent_in: str) -> list[Link]:
    """To what the ticket was sent in, and to what the message was that this worker has taken, where that is another."""
    carriers = ({"traceparent": sent_in}, dict(arrived_with.get()))
    found = [get_current_span(_W3C.extract(carrier, Context())).get_span_context() for carrier in carriers]
    of = {(context.trace_id, context.span_id): context for context in found if context.is_valid}
    return [Link(context) for context in of.values()]


def exporting(environ: Mapping[str, str]) -> OtelTracing:
    """Traces to the collector that OTEL_EXPORTER_OTLP_* names, in batches; the last one as the process ends."""
    named = {} if environ.get("OTEL_SERVICE_NAME") else {"service.name": AGENT}
    provider = TracerProvider(resource=Resource.create({**named, "service.version": CODE_VERSION}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return OtelTracing(provider)
