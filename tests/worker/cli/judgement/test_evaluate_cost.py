"""A comparison of costs is simulated: no tier of a deployment may be asked for real."""

import pytest

from worker.cli.judgement.evaluate_cost import DEFAULT_TIERS, _simulated
from worker.config.settings import Settings


@pytest.mark.parametrize(
    ("models", "asked"),
    [
        (("local",), DEFAULT_TIERS),
        (("local", "claude-haiku-5-5"), ("local", "claude-haiku-5-5")),
        (("openai:gpt-5-mini", "claude-haiku-5-5"), ("openai:gpt-5-mini", "claude-haiku-5-5")),
        (("local", "openai:qwen3@http://gpu:8080"), DEFAULT_TIERS),
        (("systemone:nimble@http://gpu:8080",), DEFAULT_TIERS),
    ],
    ids=["local", "anthropic", "openai", "by url", "decision model"],
)
def test_only_what_the_simulator_can_stand_for_is_compared(models: tuple[str, ...], asked: tuple[str, ...]) -> None:
    assert _simulated(Settings(models=models, ANTHROPIC_API_KEY="k", OPENAI_API_KEY="k")) == asked
