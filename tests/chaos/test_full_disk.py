"""A server whose append-only file has no space left refuses writes; the books say so, for one command or several."""

import asyncio
from pathlib import Path

import pytest

from fallbacks.errors import StoreUnreachable
from fallbacks.store.redis_store import RedisStore
from tests.services.process import ServiceMissing
from tests.services.small_disk import SmallDisk
from tests.services.valkey import ValkeyServer

WRITES = 30
"""Of 3 kB each: the last page of a full disk takes one or two."""


async def _write(url: str) -> None:
    store = RedisStore(url)
    try:
        for _ in range(WRITES):
            await store.put("workers", {"one": "x" * 3000})
    finally:
        await store.aclose()


def test_a_pipeline_refused_for_want_of_space_is_store_unreachable(tmp_path: Path) -> None:
    disk = SmallDisk(tmp_path / "disk")
    try:
        disk.__enter__()
    except ServiceMissing as missing:
        pytest.skip(str(missing))
    try:
        with ValkeyServer(tmp_path / "valkey", dir=f'"{disk.path}"') as server:
            disk.fill()
            with pytest.raises(StoreUnreachable, match="MISCONF"):
                asyncio.run(_write(server.url))
            disk.free()
    finally:
        disk.__exit__()
