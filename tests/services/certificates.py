"""The world's certificates are read once a process: every HTTP client would read them anew, for 20 ms of CPU each."""

import ssl
from functools import cache
from typing import Any

import certifi

_make = ssl.create_default_context


def read_once() -> None:
    """From now on clients that trust the world's certificates share one context."""
    ssl.create_default_context = _shared


def _shared(*args: Any, **how: Any) -> ssl.SSLContext:
    return _of_the_world() if not args and how == {"cafile": certifi.where()} else _make(*args, **how)


@cache
def _of_the_world() -> ssl.SSLContext:
    return _make(cafile=certifi.where())
