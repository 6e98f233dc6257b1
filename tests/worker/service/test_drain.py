"""`deskhand drain` on real workers: the one that is named gives its work back and ends; the other takes it over."""

import asyncio
import json
from pathlib import Path

from fallbacks.ledger.limits.control import DRAIN, Control
from fallbacks.store.redis_store import RedisStore
from tests.chaos.fleet import Fleet
from tests.services.waiting import wait_for


def names(url: str) -> dict[int, str]:
    """Workers by pid."""

    async def look() -> dict[int, str]:
        store = RedisStore(url)
        try:
            return {json.loads(beat)["pid"]: name for name, beat in (await store.fields("workers")).items()}
        finally:
            await store.aclose()

    return asyncio.run(look())


def ask_to_finish(url: str, worker: str) -> None:
    async def asked() -> None:
        store = RedisStore(url)
        try:
            await Control(store).change("anna", {DRAIN + worker: "1"})
        finally:
            await store.aclose()

    asyncio.run(asked())


def log(url: str) -> list[tuple[str, str]]:
    async def look() -> list[tuple[str, str]]:
        store = RedisStore(url)
        try:
            return [(change.who, change.words) for change in await Control(store).log()]
        finally:
            await store.aclose()

    return asyncio.run(look())


def test_the_worker_that_is_named_ends_by_itself_and_no_other(valkey_url: str, tmp_path: Path) -> None:
    with Fleet(tmp_path, valkey_url, ANTHROPIC_BASE_URL="http://127.0.0.1:9", DESKHAND_DRAIN_SECONDS="1") as fleet:
        one, two = fleet.start(), fleet.start()
        wait_for(lambda: names(valkey_url).keys() == {one.pid, two.pid}, message="both workers to be listed")
        named = names(valkey_url)[one.pid]
        ask_to_finish(valkey_url, named)
        wait_for(lambda: not one.alive(), message="the drained worker to end")
        assert two.alive()
        assert names(valkey_url).keys() == {two.pid}, "who ends in good order leaves the list at once"
        said = [change for change in log(valkey_url) if named in change[1]]
        assert said == [(named, f"worker {named} is finishing"), ("anna", f"asked worker {named} to finish")]
