"""Questions to history go together: those of a moment in one look, those that come meanwhile in the next."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from fallbacks.errors import HistoryUnreachable
from fallbacks.history.port import Known
from fallbacks.ledger.past.known_before import Gathered


class Looks:
    """Answers when it is let. asked: each look's names."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.begun, self.let = asyncio.Event(), asyncio.Event()

    async def __call__(self, names: Sequence[str]) -> Mapping[str, Known]:
        self.asked.append(sorted(names))
        self.begun.set()
        await self.let.wait()
        return {name: Known(name, "digest", "decided") for name in names if name != "new"}


async def _asked_during_a_look() -> None:
    looks = Looks()
    gathered = Gathered(looks)
    first = [asyncio.ensure_future(gathered.answer(name)) for name in ("a", "new", "a")]
    await looks.begun.wait()
    later = [asyncio.ensure_future(gathered.answer(name)) for name in ("b", "a")]
    await asyncio.sleep(0)
    looks.let.set()
    found = [known and known.id for known in await asyncio.gather(*first, *later)]
    assert found == ["a", None, "a", "b", "a"]
    assert looks.asked == [["a", "new"], ["a", "b"]]


async def _cut_off() -> None:
    looks = Looks()
    gathered = Gathered(looks)
    asked = [asyncio.ensure_future(gathered.answer("a"))]
    await looks.begun.wait()
    asked.append(asyncio.ensure_future(gathered.answer("b")))
    await asyncio.sleep(0)
    assert gathered._looking is not None
    gathered._looking.cancel()
    for each in asked:
        with pytest.raises(HistoryUnreachable):
            await each
    assert looks.asked == [["a"]]


def test_what_is_asked_during_a_look_is_answered_by_the_next_one() -> None:
    asyncio.run(_asked_during_a_look())


def test_where_a_look_is_cut_off_nobody_waits_for_another() -> None:
    asyncio.run(_cut_off())
