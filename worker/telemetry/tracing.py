"""Where traces are made, if anywhere: one port, nothing behind it until OTEL_* names a collector.

A message carries the trace it came from in its headers. A run links to that trace and is not part of it: what sent the
message is long over when an agent works it.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import Protocol

from tasks.run.ports import Model
from tasks.run.tool import Tool

log = logging.getLogger(__name__)

CARRIED = ("traceparent", "tracestate")
"""Headers of W3C Trace Context."""

_NOTHING: Mapping[str, str] = {}

arrived_with: ContextVar[Mapping[str, str]] = ContextVar("arrived_with", default=_NOTHING)
"""The trace headers of the message being worked; Celery's thread hands them to the loop with the coroutine."""

Ended = Callable[[str], None]


class Tracing(Protocol):
    """Makes spans. Nothing in them says what a ticket, a model or a tool says."""

    def run(self, ticket_id: str, epoch: int) -> AbstractContextManager[Ended]:
        """Around an agent's work on one ticket; yields what takes the outcome."""
        ...

    def model(self, model: Model) -> Model:
        """The model with one span around each call."""
        ...

    def tool(self, tool: Tool) -> Tool:
        """The tool with one span around each execution."""
        ...

    def outgoing(self) -> dict[str, str]:
        """Headers for a message that is sent now; empty outside of any trace."""
        ...


class NoTracing:
    """No traces, at no cost: nothing is wrapped."""

    def run(self, ticket_id: str, epoch: int) -> AbstractContextManager[Ended]:  # noqa: ARG002 # the port's
        """Nothing around a run."""
        return nullcontext(_unheard)

    def model(self, model: Model) -> Model:
        """The model itself."""
        return model

    def tool(self, tool: Tool) -> Tool:
        """The tool itself."""
        return tool

    def outgoing(self) -> dict[str, str]:
        """No headers."""
        return {}


def make_tracing(environ: Mapping[str, str]) -> Tracing:
    """Traces over OTLP/HTTP where the standard OTEL_* variables name a collector and the extra `otel` is installed."""
    if not _wanted(environ):
        return NoTracing()
    try:
        from worker.telemetry.otel import exporting  # 0.2 s of import only where it is in use
    except ImportError:
        log.warning("OTEL_* names a collector, but no traces are sent: pip install 'deskhand[otel]'")
        return NoTracing()
    return exporting(environ)


def _wanted(environ: Mapping[str, str]) -> bool:
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp":
        return False
    return bool(environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"))


def _unheard(_: str) -> None:
    """Nothing is traced."""
