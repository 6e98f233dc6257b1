"""Calls that are ready at the same moment go to Redis in one trip: under load that is most of what a call costs."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from hiredis import pack_command
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from fallbacks.store.redis_lent import LentConnections

MOST = 128
"""Calls in one trip."""

PATIENCE_SECONDS = 0.05
"""How long calls wait for the trip before theirs. One that takes longer is overtaken, on another connection."""

TRIP_SECONDS = 5.0
"""A server that is silent for longer is taken for gone, and the trip begins anew."""

WAIT_MS = 1000
"""For the replicas to have what a trip wrote."""

Command = tuple[str | int, ...]


class NotReplicated(RedisError):
    """The primary has it, and too few replicas do: whether it stays is undecided."""


@dataclass(slots=True)
class _Call:
    """name: of the command, by which the client reads its answer."""

    name: str
    packed: bytes
    answer: "asyncio.Future[Any]"


@dataclass(slots=True)
class RedisBatches:
    """Sends commands that must not wait for each other. Of one event loop; no order is kept between calls.

    lent: its connections need no timeout (one around each answer was .3 ms of a ticket of three steps; the trip has
    one) and no retries of their own: retry is for the whole trip.
    replicas: that must have what a trip wrote, or its calls raise `NotReplicated`.
    """

    lent: LentConnections
    retry: Retry
    replicas: int = 0
    seconds: float = TRIP_SECONDS
    _waiting: list[_Call] = field(default_factory=list)
    _trips: set["asyncio.Task[None]"] = field(default_factory=set)
    _ahead: "asyncio.Task[None] | None" = None
    _planned: bool = False

    @property
    def under_way(self) -> int:
        """Trips whose answers are not there yet."""
        return len(self._trips)

    async def run(self, command: Command) -> Any:
        """The server's answer. Raises what it answered, or what became of the trip, as the client would; and
        `UnicodeEncodeError`, here and not in the trip, where it would be everybody's.
        """
        loop = asyncio.get_running_loop()
        call = _Call(str(command[0]), _packed(command), loop.create_future())
        self._waiting.append(call)
        if self._ahead is None and not self._planned:
            self._planned = True
            loop.call_soon(self._start)
        return await call.answer

    def _start(self) -> None:
        """One trip with what has gathered, if anything has."""
        self._planned = False
        wanted = [call for call in self._waiting if not call.answer.done()]  # the others' callers were cancelled
        calls, self._waiting = wanted[:MOST], wanted[MOST:]
        if not calls:
            return
        trip = asyncio.ensure_future(self._go(calls))
        self._ahead = trip
        self._trips.add(trip)
        patience = trip.get_loop().call_later(PATIENCE_SECONDS, self._let_pass, trip)
        trip.add_done_callback(lambda _: patience.cancel())
        trip.add_done_callback(self._ended)

    def _ended(self, trip: "asyncio.Task[None]") -> None:
        self._trips.discard(trip)
        self._let_pass(trip)

    def _let_pass(self, trip: "asyncio.Task[None]") -> None:
        if self._ahead is trip:
            self._ahead = None
            self._start()

    async def _go(self, calls: Sequence[_Call]) -> None:
        try:
            answers = await self.retry.call_with_retry(lambda: self._trip(calls), _nothing_to_undo)
        except asyncio.CancelledError:  # the loop is ending
            for call in calls:
                call.answer.cancel()
            raise
        except Exception as error:
            answers = [error] * len(calls)
        for call, answer in zip(calls, answers, strict=True):
            if call.answer.done():  # its caller was cancelled
                continue
            if isinstance(answer, Exception):
                call.answer.set_exception(answer)
            else:
                call.answer.set_result(answer)

    async def _trip(self, calls: Sequence[_Call]) -> list[Any]:
        try:
            async with asyncio.timeout(self.seconds):
                return await self._answers(calls)
        except TimeoutError:
            raise RedisTimeoutError(f"no answer within {self.seconds:g} s") from None

    async def _answers(self, calls: Sequence[_Call]) -> list[Any]:
        connection = await self.lent.take()
        try:
            return await self._sent(connection, calls)
        except BaseException:  # it may hold answers that nobody has read
            await connection.disconnect(nowait=True)
            raise
        finally:
            await self.lent.give_back(connection)

    async def _sent(self, connection: AbstractConnection, calls: Sequence[_Call]) -> list[Any]:
        packed = b"".join(call.packed for call in calls)
        if not self.replicas:
            await connection.send_packed_command(packed)
            return [await self._answer(connection, call.name) for call in calls]
        await connection.send_packed_command(packed + _packed(("WAIT", self.replicas, WAIT_MS)))
        answers = [await self._answer(connection, call.name) for call in calls]
        reached = await self._answer(connection, "WAIT")
        return answers if _is_enough(reached, self.replicas) else [self._undecided(each, reached) for each in answers]

    async def _answer(self, connection: AbstractConnection, name: str) -> Any:
        """What the server says, an error too; what a connection that fails says is raised."""
        try:
            answer = await connection.read_response()
        except ResponseError as error:
            return error
        read = self.lent.redis.response_callbacks.get(name)
        return read(answer) if read else answer

    def _undecided(self, answer: Any, reached: Any) -> Exception:
        if isinstance(answer, Exception):
            return answer
        had = reached if isinstance(reached, int) else f"{type(reached).__name__}: {reached}"
        return NotReplicated(f"on {had} of {self.replicas} replicas within {WAIT_MS} ms: whether it stays is undecided")


def _is_enough(reached: Any, replicas: int) -> bool:
    return isinstance(reached, int) and reached >= replicas


def _packed(command: Command) -> bytes:
    return cast("bytes", pack_command(cast("Any", command)))  # by its types it takes a tuple of one


async def _nothing_to_undo(_: Exception) -> None:
    """The client has left the connection; the next try takes another."""
