"""What a provider does in a campaign: a little trouble always, and blips in which every call fails in one way."""

from typing import Any

from tests.chaos.load import URGENT
from tests.chaos.test_crash_matrix import SCRIPT
from worker.simulator import Simulator

TROUBLE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("529", {"share": 0.02}),
    ("429", {"share": 0.02, "retry_after": 1}),
    ("500", {"share": 0.01}),
    ("cut", {"share": 0.01}),
    ("cut_before_reply", {"share": 0.01}),
    ("malformed_json", {"share": 0.01}),
    ("error200", {"share": 0.01}),
    ("repeated_ids", {"share": 0.02}),
    ("prose", {"share": 0.02}),
    ("invented_evidence", {"share": 0.02}),
    ("slow", {"share": 0.05, "seconds": 1.0}),
)

BLIPS: dict[str, tuple[str, dict[str, Any]]] = {
    "blip 401": ("401", {}),
    "blip 402": ("402", {}),
    "blip 403": ("403", {}),
    "blip 404": ("404", {}),
    "blip 429": ("429", {}),
    "blip 429 later": ("429", {"retry_after": 2}),
    "blip 500": ("500", {}),
    "blip 502": ("502", {}),
    "blip 503": ("503", {}),
    "blip 504": ("504", {}),
    "blip 529": ("529", {}),
    "blip spend limit": ("spend_limit", {}),
    "blip html": ("html200", {}),
    "blip error under 200": ("error200", {}),
    "blip rate limit under 200": ("error200", {"error": "rate_limit_error"}),
    "blip error as sse": ("sse200", {}),
    "blip garbage": ("malformed_json", {}),
    "blip no usage": ("missing_usage", {}),
    "blip absurd usage": ("absurd_usage", {}),
    "blip cut": ("cut_before_reply", {}),
}
"""Name -> the simulator's fault. `later`: the provider says when to come again."""


class Provider:
    """The simulated one. Well at first, with some trouble."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.heal()

    def blip(self, name: str) -> None:
        """Every call from now on fails in this way, until `heal`."""
        fault, fields = BLIPS[name]
        self.simulator.faults.clear()
        self.simulator.fault(fault, **fields)

    def overload(self, share: float) -> None:
        """So many calls more are refused for a while: their tickets are parked."""
        self.simulator.faults.clear()
        self.simulator.fault("529", share=share)
        self._usual()

    def heal(self) -> None:
        """Back to its usual trouble."""
        self.simulator.faults.clear()
        self._usual()

    def _usual(self) -> None:
        for name, fields in TROUBLE:
            self.simulator.fault(name, **fields)
        self.simulator.fault("script", script=_script(), match=URGENT)


def _script() -> list[Any]:
    submit = {**SCRIPT[1][0]["input"], "evidence": [URGENT]}
    return [SCRIPT[0], [{**SCRIPT[1][0], "input": submit}]]
