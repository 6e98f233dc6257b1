"""Connections of a pool that stay with those who make trips: to check one out for each costs as much again."""

from dataclasses import dataclass, field

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection


@dataclass(slots=True)
class LentConnections:
    """Of one client and event loop. The pool bounds how many there are, and closes them with the client."""

    redis: Redis
    _free: list[AbstractConnection] = field(default_factory=list)
    _waiting: int = 0

    async def take(self) -> AbstractConnection:
        """One that can be sent commands; it may still have to connect, as it does by itself."""
        if not self._free:
            return await self._lent()
        connection = self._free.pop()
        unusable = connection.is_connected and await connection.can_read()
        if unusable:  # closed by the server, or it holds what nobody has read
            await connection.disconnect(nowait=True)
        return connection

    async def give_back(self, connection: AbstractConnection) -> None:
        """For whoever comes next, or for who waits for one of the pool."""
        if self._waiting:
            await self.redis.connection_pool.release(connection)
        else:
            self._free.append(connection)

    async def _lent(self) -> AbstractConnection:
        self._waiting += 1
        try:
            connection: AbstractConnection = await self.redis.connection_pool.get_connection()
            return connection
        finally:
            self._waiting -= 1
