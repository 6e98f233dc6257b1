"""Where traces are made, if anywhere: one port, nothing behind it until OTEL_* names a collector.

A message carries the trace it came from in its headers. A run links to that trace and is not part of it: what sent the
message is long over when an agent works it.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import Protocol

from tasks.run.ports import Model
from tasks.run.tool import Tool

CARRIED = ("traceparent", "tracestate")
"""Headers of W3C Trace Context."""

_NOTHING: Mapping[str, str] = {}

arrived_with: ContextVar[Mapping[str, str]] = ContextVar("arrived_with", default=_NOTHING)
"""The trace headers of the message being worked; Celery's thread hands them to the loop with the coroutine."""

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def sent_in() -> str:
    """The traceparent that what is handled now arrived with, "" for none that can be read."""
    found = arrived_with.get().get("traceparent", "")
    return found if _TRACEPARENT.fullmatch(found) else ""


def carried_by(headers: Mapping[str, str]) -> dict[str, str]:
    """The trace headers among these, by their names in lower case."""
    return {name: headers[name] for name in CARRIED if headers.get(name)}


Ended = Callable[[str], None]


class Tracing(Protocol):
    """Makes spans. Nothing in them says what a ticket, a model or a tool says."""

    def run(self, ticket_id: str, epoch: int, sent_in: str) -> AbstractContextManager[Ended]:
        """Around an agent's work on one ticket; yields what takes the outcome. sent_in: see `sent_in`."""
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

    def run(self, ticket_id: str, epoch: int, sent_in: str) -> AbstractContextManager[Ended]:  # noqa: ARG002 # the port's
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


def _unheard(_: str) -> None:
    """Nothing is traced."""
