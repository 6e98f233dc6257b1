"""The books keep each prompt once, by version, and one canary for everybody."""

import asyncio

import pytest

from fallbacks.ledger.prompts import canary_of, find_prompt, keep_prompt, kept_prompts, known_canary
from tasks.run.prompt import Prompt
from tasks.triage.prompt import BUILT_IN
from tests.fallbacks.scene import Scene, scene

OTHER = Prompt("Sort the mail — „gut“ — by submit_decision.")


@scene
async def test_a_prompt_that_worked_once_can_be_had_again_by_the_start_of_its_version(s: Scene) -> None:
    await keep_prompt(s.store, BUILT_IN)
    await s.pass_ms(5_000)
    await keep_prompt(s.store, OTHER)
    await keep_prompt(s.store, BUILT_IN)
    kept = await kept_prompts(s.store)
    assert [each.prompt for each in kept] == [BUILT_IN, OTHER]
    now = await s.store.now_ms()
    assert all(0 <= now - each.first_ms < 60_000 for each in kept)
    for version in (OTHER.version, OTHER.version[:4]):
        assert (await find_prompt(s.store, version)).prompt == OTHER


@scene
async def test_the_first_use_stays(s: Scene) -> None:
    await keep_prompt(s.store, OTHER)
    (before,) = await kept_prompts(s.store)
    await s.pass_ms(60_000)
    await keep_prompt(s.store, OTHER)
    assert await kept_prompts(s.store) == [before]


@scene
async def test_a_version_that_is_not_there_or_not_one_is_refused_with_those_there_are(s: Scene) -> None:
    with pytest.raises(ValueError, match=r"no prompt kept here .* 'beef': none"):
        await find_prompt(s.store, "beef")
    await keep_prompt(s.store, BUILT_IN)
    await keep_prompt(s.store, OTHER)
    with pytest.raises(ValueError, match=BUILT_IN.version):
        await find_prompt(s.store, "beef")
    with pytest.raises(ValueError, match="several versions begin"):
        await find_prompt(s.store, "")


@scene
async def test_all_workers_of_the_same_store_have_one_canary(s: Scene) -> None:
    assert await known_canary(s.store) == ""
    first, *others = await asyncio.gather(*(canary_of(s.store) for _ in range(5)))
    assert {first} == {*others, await canary_of(s.store), await known_canary(s.store)}
    assert len(first) == 16
