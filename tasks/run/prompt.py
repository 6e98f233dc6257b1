"""The words that instruct a model in its process. What it may answer, and the canary, follow them."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

from tasks.errors import InvalidPrompt
from tasks.run.messages import SUBMIT

THRESHOLD = "{min_confidence}"
"""Stands in a prompt for the confidence below which a person takes over."""

MAX_RULES_CHARS = 20_000
"""Every call pays for them, and every worst case counts them."""


@dataclass(frozen=True)
class Prompt:
    """The words. What the process may answer is listed behind them."""

    rules: str

    @cached_property
    def version(self) -> str:
        """Twelve hex digits over them, recorded on every run: a change of the words is a change of the agent."""
        return hashlib.sha256(self.rules.encode()).hexdigest()[:12]

    def at(self, min_confidence: float) -> "Prompt":
        """The same words with the threshold in force: another one is another prompt where they name it."""
        return Prompt(self.rules.replace(THRESHOLD, f"{min_confidence:g}"))


def read_prompt(text: str) -> Prompt:
    """A prompt of somebody's own; blank lines around it are no part of it. Raises `InvalidPrompt`."""
    rules = text.replace("\r\n", "\n").strip()
    if not rules:
        raise InvalidPrompt("is empty")
    if len(rules) > MAX_RULES_CHARS:
        raise InvalidPrompt(f"has {len(rules):,} characters, {MAX_RULES_CHARS:,} are allowed: every call pays for them")
    if SUBMIT not in rules:
        raise InvalidPrompt(f"does not name {SUBMIT}: nothing else ends the work")
    return Prompt(rules)
