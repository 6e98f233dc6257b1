"""A clock that stands still until a test moves it."""

from dataclasses import dataclass


@dataclass(slots=True)
class SettableClock:
    """`tasks.run.ports.Clock`. ms: what it reads now."""

    ms: int = 1_700_000_000_000

    def now_ms(self) -> int:
        return self.ms

    def pass_seconds(self, seconds: float) -> None:
        self.ms += int(seconds * 1000)
