"""`play`: a story is played on the fake and on a real server; `play_for_real` on the server only."""

import asyncio
from collections.abc import Callable

import pytest

from fallbacks.store.redis_opening import open_store
from tests.fakes.memory_store import MemoryStore
from tests.fallbacks.scene import Scene, Story

Play = Callable[[Story], None]


def on_server(url: str) -> Play:
    async def told(story: Story) -> None:
        store = open_store(url, "deskhand:")
        try:
            await story(Scene(store))
        finally:
            await store.aclose()

    return lambda story: asyncio.run(told(story))


async def in_memory(story: Story) -> None:
    await story(Scene(MemoryStore()))


@pytest.fixture(params=["memory", "valkey"])
def play(request: pytest.FixtureRequest) -> Play:
    if request.param == "memory":
        return lambda story: asyncio.run(in_memory(story))
    return on_server(request.getfixturevalue("valkey_url"))


@pytest.fixture
def play_for_real(valkey_url: str) -> Play:
    return on_server(valkey_url)
