"""What a server's refusal means: that the store cannot answer now, or that the question was wrong."""

from collections.abc import Awaitable
from typing import TypeVar

from redis.exceptions import (
    AskError,
    ClusterDownError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from fallbacks.errors import StoreUnreachable

T = TypeVar("T")

_REFUSALS = (
    "MISCONF", "OOM command not allowed", "NOPERM", "can't run this command", "DB index is out of range",
    "is busy running a", "can't access at least one of the", "ACL failure in script", "DENIED ",
    "while the cluster is down",
)  # fmt: skip
"""Answers by which a server says that it takes no writes now, or none from us. After those by which it says that
another may take them the connection is left: see `redis_connections`."""


_ELSEWHERE = (
    AskError,
    ClusterDownError,
    NoPermissionError,
    OutOfMemoryError,
    RedisConnectionError,
    RedisTimeoutError,
    TryAgainError,
)


async def answered(answer: Awaitable[T]) -> T:
    """The answer. Raises `StoreUnreachable`; `NoScriptError`; and `ResponseError` where the question was wrong."""
    try:
        return await answer
    except NoScriptError:
        raise
    except _ELSEWHERE as error:
        raise StoreUnreachable(f"{type(error).__name__}: {error}") from error
    except ResponseError as error:
        if any(refusal in str(error) for refusal in _REFUSALS):
            raise StoreUnreachable(str(error)) from error
        raise
    except RedisError as error:
        raise StoreUnreachable(f"{type(error).__name__}: {error}") from error
