"""Every connection to a Redis or Valkey is made here: it looks for the primary, and leaves what cannot serve."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, cast

import redis
from redis import asyncio as aioredis
from redis.asyncio import connection as asynchronous
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import BusyLoadingError, MasterDownError, ReadOnlyError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from fallbacks.store.redis_url import RedisUrl, read_redis_url

Address = tuple[str, int]

UNFIT = (ReadOnlyError, MasterDownError, BusyLoadingError)
UNFIT_WORDS = ("NOREPLICAS", "UNBLOCKED", "-READONLY")
"""Answers of a server that is not, or not yet, the one to write to. Another may be by now, under the same name.
`-READONLY` is how Redis before 7 says within a script's error what the script met.
"""

COMMON = {"socket_connect_timeout": 3, "socket_keepalive": True, "health_check_interval": 30, "protocol": 2}

SENTINEL_SECONDS = 1.0
"""For one sentinel to answer; then the next is asked."""

NO_ANSWER = (RedisError, OSError, TypeError, ValueError)
"""What asking raises where nobody answers, or nobody that is a sentinel."""


class ServerUnfit(RedisConnectionError):
    """The server lives and cannot serve. The connection that heard it is closed: the next one finds out who can."""


def is_unfit(error: Exception) -> bool:
    """Whether this answer says so."""
    return isinstance(error, UNFIT) or any(word in str(error) for word in UNFIT_WORDS)


class _AsyncFit:
    """Before a connection class of the client. locate: asks for the primary's address, None where it is given."""

    def __init__(self, *, locate: Callable[[], Awaitable[Address]] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._locate = locate

    async def _connect(self) -> None:
        if self._locate is not None:
            self.host, self.port = await self._locate()
        await super()._connect()  # type: ignore[misc] # the class after this one

    async def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().read_response(*args, **options)  # type: ignore[misc] # likewise
        except (ResponseError, BusyLoadingError) as error:
            if not is_unfit(error):
                raise
            await self.disconnect(nowait=True)  # type: ignore[attr-defined] # likewise
            raise ServerUnfit(f"{type(error).__name__}: {error}") from error


class _Fit:
    """The same for the client that blocks."""

    def __init__(self, *, locate: Callable[[], Address] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._locate = locate

    def _connect(self) -> Any:
        if self._locate is not None:
            self.host, self.port = self._locate()
        return super()._connect()  # type: ignore[misc] # the class after this one

    def read_response(self, *args: Any, **options: Any) -> Any:
        try:
            return super().read_response(*args, **options)  # type: ignore[misc] # likewise
        except (ResponseError, BusyLoadingError) as error:
            if not is_unfit(error):
                raise
            self.disconnect()  # type: ignore[attr-defined] # likewise
            raise ServerUnfit(f"{type(error).__name__}: {error}") from error


class AsyncFitConnection(_AsyncFit, asynchronous.Connection):
    pass


class AsyncFitTls(_AsyncFit, asynchronous.SSLConnection):
    pass


class AsyncFitSocket(_AsyncFit, asynchronous.UnixDomainSocketConnection):
    pass


class FitConnection(_Fit, Connection):
    pass


class FitTls(_Fit, SSLConnection):
    pass


class FitSocket(_Fit, UnixDomainSocketConnection):
    pass


def async_client(url: str, *, connections: int, retry: AsyncRetry | None = None, **options: Any) -> aioredis.Redis:
    """A client with at most so many connections; whoever needs one more waits for it."""
    read = read_redis_url(url)
    return _async_client(read, connections, retry or AsyncRetry(NoBackoff(), 0), {**options, **read.options})


def node_client(read: RedisUrl, address: Address, *, connections: int, **options: Any) -> aioredis.Redis:
    """The same, of one node of a cluster."""
    host, port = address
    given = {**options, **read.options, "host": host, "port": port}
    return _async_client(read, connections, AsyncRetry(NoBackoff(), 0), given)


def _async_client(read: RedisUrl, connections: int, retry: AsyncRetry, options: dict[str, Any]) -> aioredis.Redis:
    kind = AsyncFitSocket if read.unix else AsyncFitTls if read.tls else AsyncFitConnection
    waits = {"max_connections": connections, "timeout": 30} | _keys(read.options, "max_connections", "timeout")
    pool = aioredis.BlockingConnectionPool(
        connection_class=cast("Any", kind),
        retry=retry,
        locate=_async_locator(read),
        **(_common(read) | options | waits),
    )
    return aioredis.Redis(connection_pool=pool)


def client(url: str, **options: Any) -> redis.Redis:
    """A client that blocks, for a few questions; without retries."""
    read = read_redis_url(url)
    return redis.Redis(connection_pool=redis.ConnectionPool(**(sync_options(read) | options)))


def node_clients(url: str, **options: Any) -> list[redis.Redis]:
    """The same, of every master of a cluster, as the first node says that answers. Raises what asking raised last."""
    read, error = read_redis_url(url), RedisConnectionError("the URL names no cluster")
    for host, port in read.nodes:
        given = sync_options(read) | options
        with redis.Redis(connection_pool=redis.ConnectionPool(**given, host=host, port=port)) as asked:
            try:
                ranges: Any = asked.execute_command("CLUSTER", "SLOTS")
            except NO_ANSWER as failed:
                error = RedisConnectionError(f"{host}:{port}: {failed}")
                continue
            masters = dict.fromkeys((_text(name) or host, int(at)) for _, _, (name, at, *_), *_ in ranges)
            pools = [redis.ConnectionPool(**given, host=name, port=at) for name, at in masters]
            return [redis.Redis(connection_pool=pool) for pool in pools]
    raise error


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def sync_options(read: RedisUrl) -> dict[str, Any]:
    """What a pool that blocks is made with."""
    kind = FitSocket if read.unix else FitTls if read.tls else FitConnection
    return {
        **_common(read),
        "retry": Retry(NoBackoff(), 0),
        **{name: value for name, value in read.options.items() if name != "timeout"},
        "connection_class": kind,
        "locate": _locator(read),
    }


def _common(read: RedisUrl) -> dict[str, Any]:
    return {name: value for name, value in COMMON.items() if not (read.unix and name == "socket_keepalive")}


def _keys(options: Any, *names: str) -> dict[str, Any]:
    return {name: options[name] for name in names if name in options}


def _asking(read: RedisUrl) -> dict[str, Any]:
    seconds = {"socket_timeout": SENTINEL_SECONDS, "socket_connect_timeout": SENTINEL_SECONDS}
    return {**seconds, "decode_responses": True, "protocol": 2, **read.sentinel_options}


def _async_locator(read: RedisUrl) -> Callable[[], Awaitable[Address]] | None:
    async def locate() -> Address:
        for host, port in read.sentinels:
            asked = aioredis.Redis(host=host, port=port, retry=AsyncRetry(NoBackoff(), 0), **_asking(read))
            async with asked:
                with suppress(*NO_ANSWER):  # it has no asynchronous form
                    if answer := await asked.execute_command(*_QUESTION, read.service):
                        return _address(answer)
        raise _unknown(read)

    return locate if read.sentinels else None


def _locator(read: RedisUrl) -> Callable[[], Address] | None:
    def locate() -> Address:
        for host, port in read.sentinels:
            asked = redis.Redis(host=host, port=port, retry=Retry(NoBackoff(), 0), **_asking(read))
            with asked, suppress(*NO_ANSWER):
                if answer := asked.execute_command(*_QUESTION, read.service):
                    return _address(answer)
        raise _unknown(read)

    return locate if read.sentinels else None


_QUESTION = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME")


def _address(answer: Any) -> Address:
    host, port = answer
    return str(host), int(port)


def _unknown(read: RedisUrl) -> RedisConnectionError:
    return RedisConnectionError(f"none of {len(read.sentinels)} sentinels knows a primary named {read.service!r}")
