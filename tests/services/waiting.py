"""The one place where a test polls."""

import threading
from collections.abc import Callable
from time import monotonic
from typing import TypeVar

Value = TypeVar("Value")

PATIENCE_SECONDS = 120.0
"""Of a test that waits for something: far beyond what it takes on a machine with ten times the work it can do."""


def wait_for(
    condition: Callable[[], Value], timeout: float = PATIENCE_SECONDS, message: str = "", interval: float = 0.02
) -> Value:
    """Return the condition's first true value; fail with `message` after `timeout` seconds without one."""
    deadline = monotonic() + timeout
    while not (value := condition()):
        if monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {message or getattr(condition, '__name__', condition)}")
        threading.Event().wait(interval)
    return value
