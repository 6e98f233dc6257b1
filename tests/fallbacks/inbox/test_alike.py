"""A spike of alike tickets among others is a group; what only shares a subject is none."""

import gzip
import json

import pytest

from fallbacks.inbox.alike import LEAST, AlikeFinder, Waiting, find_alike
from tasks.reasons import Reason
from tasks.triage.process import Triage
from tests.fallbacks.scene import TRIAGE, Scene, scene
from worker import sample
from worker.config.yaml_taxonomy import load_taxonomy

SHOPS = ("Aldi", "Tesco", "a cafe in Rome", "the petrol station", "my gym", "IKEA", "a taxi", "the pharmacy")


@pytest.fixture(scope="module")
def mixed() -> list[Waiting]:
    with gzip.open(sample.path("banking77.jsonl.gz"), "rt") as file:
        texts = [json.loads(line)["body"] for line in file]
    return [Waiting(f"m{at}", text, "low_confidence", suggested=False) for at, text in enumerate(texts[::43][:300])]


def test_a_spike_is_one_group_by_its_reason_and_the_rest_are_none(mixed: list[Waiting]) -> None:
    texts = [f"My card payment at {shop} was declined this morning, why? Order {at}" for at, shop in enumerate(SHOPS)]
    spike = [Waiting(f"s{at}", text, "low_confidence", suggested=False) for at, text in enumerate(texts * 2)]
    other = [Waiting(f"o{at}", text, "step_limit", suggested=False) for at, text in enumerate(texts[: LEAST - 1])]
    process = Triage(load_taxonomy(sample.path("taxonomy.yaml")))
    assert find_alike(process, mixed) == ()
    (found,) = find_alike(process, [*mixed, *spike, *other])
    assert sorted(found.tickets) == sorted(each.id for each in spike)
    assert (found.why, found.suggested) == ("low_confidence", False)
    assert found.title == "My card payment at … was declined this morning why Order"
    assert len(set(found.sample)) == 3
    (alone,) = find_alike(process, spike)
    assert len(alone.tickets) == len(spike), "also where nothing else waits"


@scene
async def test_only_what_may_be_decided_together_is_compared(s: Scene) -> None:
    finder = AlikeFinder(s.inbox, patience_seconds=30.0)
    for number in range(LEAST):
        await s.handed_off(f"h{number}", Reason.STEP_LIMIT)
        await s.suggested(f"s{number}")
    await s.inbox.snooze("s0", "ann", None, 60)
    (found,) = await finder.now()
    assert sorted(found.tickets) == [f"h{number}" for number in range(LEAST)]
    assert await finder.of("h3") == found
    assert await finder.of("s3") is None
    assert find_alike(TRIAGE, []) == ()
