"""Nothing of the sample stands in for what a deployment with labels of its own has not brought."""

import asyncio
from pathlib import Path

import pytest

from tasks.reasons import Reason
from tasks.run.tool import ToolContext
from tasks.ticket import Requester, Ticket
from tasks.tools.ticket_context import NoArguments
from worker.config import sources
from worker.config.settings import Settings, load_settings
from worker.models.local.unlearned import UNLEARNED
from worker.models.tier import NEVER
from worker.ops.doctor import Verdict, own_sources
from worker.service.bench import bench
from worker.work.run_loop import GivenUp

OWN = """teams: [{name: red, description: r}, {name: blue, description: b}]
labels: [{name: tomato, description: t, team: red}, {name: sky, description: s, team: blue}]
"""


@pytest.fixture
def own(tmp_path: Path) -> Settings:
    """A deployment that has brought its labels and nothing else."""
    file = tmp_path / "taxonomy.yaml"
    file.write_text(OWN, "utf-8")
    return load_settings(home=tmp_path, taxonomy=file, models=("local",), anthropic_api_key="k")


def test_with_the_samples_labels_the_sample_is_there(tmp_path: Path) -> None:
    sampled = load_settings(home=tmp_path)
    assert sources.missing(sampled) == []
    assert own_sources(sampled).verdict is Verdict.OK


def test_with_own_labels_all_of_it_is_empty_and_the_doctor_says_so(own: Settings) -> None:
    assert (sources.knowledge_folder(own), sources.customers_file(own), sources.training_file(own)) == (None,) * 3
    found = own_sources(own)
    assert found.verdict is Verdict.WARN
    assert all(f"DESKHAND_{name}" in found.found for name in ("KNOWLEDGE", "CUSTOMERS_URL", "TRAINING_DATA"))


def context(settings: Settings) -> dict[str, object]:
    """What an agent's prefetch finds before its first call."""
    asked = Ticket(source="t", subject="", body="My card has not arrived", requester=Requester(id="cus-1001", name="A"))
    tools = bench(settings.model_copy(update={"models": ("claude-haiku-5-5",)})).agent.tools
    return asyncio.run(tools["ticket_context"].run(NoArguments(), ToolContext(asked)))  # type: ignore[no-any-return]


def test_its_agent_is_shown_no_customer_article_or_ticket_of_the_samples(own: Settings, tmp_path: Path) -> None:
    sampled = context(load_settings(home=tmp_path, anthropic_api_key="k"))
    assert sampled.keys() == {"customer", "similar_tickets", "knowledge"}
    assert context(own) == {}


def test_its_local_tier_hands_on_every_ticket_and_says_why(own: Settings) -> None:
    measured = bench(own)
    (tier,) = measured.tiers
    assert (tier.min_confidence, tier.rests_on) == (NEVER, UNLEARNED)
    tried, ending = asyncio.run(measured.work(Ticket(source="t", subject="", body="A ripe tomato")))
    assert isinstance(ending, GivenUp)
    assert (ending.stop.reason, ending.stop.detail) == (Reason.LOW_CONFIDENCE, UNLEARNED)
    assert [each.decision for each in tried] == [None]
