"""Calls of the broker beside Celery's own consumer, on connections that are left once they fail."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar
from weakref import finalize

from celery import Celery
from kombu.connection import Connection

THREADS = 2
"""As many connections, of each thread its own: no pool of Celery's keeps one that is of no more use."""

T = TypeVar("T")


class BrokerCalls:
    """Calls that block, made on threads of their own: a broker that hangs holds up nobody else."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._own = threading.local()
        self._threads = ThreadPoolExecutor(THREADS, "deskhand-broker")
        self._open: list[Connection] = []
        finalize(self, _leave_all, self._open)  # whoever made this need not close it

    async def run(self, work: Callable[[Connection], T]) -> T:
        """The work's result. Raises what kombu's transports raise: errors of many libraries."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._afresh, work)

    def _afresh(self, work: Callable[[Connection], T]) -> T:
        """A connection that fails is replaced, and the work tried once more: the broker may have been restarted."""
        try:
            return work(self._connection())
        except Exception as error:  # see `run`
            self._drop()
            if isinstance(error, TimeoutError) or isinstance(error.__cause__, TimeoutError):
                raise  # it is there and does not answer: the next try would wait as long
        try:
            return work(self._connection())
        except BaseException:
            self._drop()
            raise

    def _connection(self) -> Connection:
        found: Connection | None = getattr(self._own, "connection", None)
        if found is None:
            found = self._own.connection = self._app.connection_for_write()
            self._open.append(found)
        return found

    def _drop(self) -> None:
        found, self._own.connection = getattr(self._own, "connection", None), None
        if found is not None:
            self._open.remove(found)
            _leave(found)


def _leave(connection: Connection) -> None:
    """Without a farewell where that needs an answer: a broker that has run full gives none."""
    with suppress(Exception):
        getattr(connection._connection, "collect", connection.close)()


def _leave_all(connections: list[Connection]) -> None:
    while connections:
        _leave(connections.pop())
