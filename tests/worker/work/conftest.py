"""`office`: executors over a real store and a simulated model."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.views import Views
from fallbacks.store.redis_store import RedisStore
from tests.worker.work.office import (
    LARGE,
    MAKES,
    TRIAGE,
    Office,
)
from worker.models.anthropic.model import AnthropicModel
from worker.models.genai_pricing import Prices
from worker.simulator import Simulator


@pytest.fixture
def office(valkey_url: str, request: pytest.FixtureRequest) -> Callable[[Callable[[Office], Awaitable[None]]], None]:
    """`office(work)` runs `work` in an office of its own; its small model is of the test's `make`, where it has one."""
    tried = getattr(request.node, "callspec", None)
    make = tried.params.get("make", "anthropic") if tried else "anthropic"

    def serve(work: Callable[[Office], Awaitable[None]]) -> None:
        async def main() -> None:
            store = RedisStore(valkey_url)
            ledger = Ledger(store, TRIAGE, lease_ms=5000)
            async with Simulator() as simulator:
                small = MAKES[make](simulator.url)
                large = AnthropicModel(LARGE, Prices(), api_key="k", base_url=simulator.url)
                try:
                    await work(Office(store, simulator, small, large, ledger, Views(store), valkey_url))
                finally:
                    await small.aclose()
                    await large.aclose()
                    await store.aclose()

        asyncio.run(main())

    return serve
