"""The simulator as a process of its own, answering every ticket from the same script of turns."""

import json
import os
import sys
import urllib.request
from pathlib import Path
from typing import Any

from tests.services.process import ServerProcess

REPOSITORY = Path(__file__).parents[2]

SEARCH = {"type": "tool_use", "id": "toolu_1", "name": "search_knowledge_base", "input": {"query": "card"}}
SIMILAR = {"type": "tool_use", "id": "toolu_2", "name": "find_similar_tickets", "input": {}}
SUBMIT = {
    "type": "tool_use",
    "id": "toolu_3",
    "name": "submit_decision",
    "input": {
        "label": "card_arrival",
        "priority": "normal",
        "summary": "A new card has not arrived.",
        "rationale": "It asks when the card will come.",
        "evidence": ["My new card has not arrived"],
        "confidence": 0.95,
    },
}
THREE_STEPS = [[SEARCH], [SIMILAR], [SUBMIT]]
ONE_STEP = [[SUBMIT]]


class ModelServer(ServerProcess):
    """latency: seconds before each answer, or "none"."""

    def __init__(self, folder: Path, latency: str) -> None:
        super().__init__(folder)
        self.latency = latency

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "worker.simulator", "--port", str(self.port), "--latency", self.latency]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(REPOSITORY)}

    def is_ready(self) -> bool:
        try:
            self.call("/_sim/calls")
        except OSError:
            return False
        return True

    def call(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"content-type": "application/json"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.load(answer)

    def say(self, script: list[list[dict[str, Any]]]) -> None:
        """What it answers every ticket, turn by turn."""
        self.call("/_sim/faults", {"fault": "script", "script": script})
