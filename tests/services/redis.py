"""Debian's real Redis, which many deployments have."""

from tests.services.process import program
from tests.services.valkey import ValkeyServer


class RedisServer(ValkeyServer):
    """As ValkeyServer, with the program `redis-server`."""

    def binary(self) -> str:
        return program("redis-server", "/usr/bin/redis-server", package="redis-server")
