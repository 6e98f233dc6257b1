"""Agreement and coverage over time, by the version of model, prompt, taxonomy and threshold that worked."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from fallbacks.ledger.past.examples import Example, Examples
from fallbacks.ledger.states import State
from fallbacks.ledger.sums.figures import Day
from fallbacks.plan import DAY_MS

SAMPLE = 2000
"""Agreement is of so many of the last decisions; coverage of all runs of the days."""

COVERED = (State.SUGGESTED, State.DECIDED)


@dataclass(frozen=True, slots=True)
class Quality:
    """One version on one UTC day. runs: that ended at rest. covered: with a result.

    judged, agreed: by people, of what it suggested, on the day when they decided.
    """

    day: int
    version: str
    runs: int
    covered: int
    judged: int
    agreed: int

    @property
    def coverage(self) -> float | None:
        """Share of runs with a result, 0..1."""
        return self.covered / self.runs if self.runs else None

    @property
    def agreement(self) -> float | None:
        """Share of judged suggestions that stood, 0..1."""
        return self.agreed / self.judged if self.judged else None


async def quality(examples: Examples, days: Sequence[Day]) -> list[Quality]:
    """By day and version, the latest day last. One read beside the days."""
    return by_day(await examples.latest(SAMPLE), days)


def by_day(latest: Sequence[Example], days: Sequence[Day]) -> list[Quality]:
    """Pure: decisions and figures in, rows out."""
    judged, agreed = Counter[tuple[int, str]](), Counter[tuple[int, str]]()
    for example in latest:
        if example.agent and example.suggested:
            of = (example.at_ms // DAY_MS, str(example.agent["version"]))
            judged[of] += 1
            agreed[of] += example.stood
    shown = {(day.number, version): counted for day in days for version, counted in day.runs.items()}
    first = min((day.number for day in days), default=0)
    return [
        Quality(
            day=of[0],
            version=of[1],
            runs=shown[of].total() if of in shown else 0,
            covered=sum(shown[of][state.value] for state in COVERED) if of in shown else 0,
            judged=judged[of],
            agreed=agreed[of],
        )
        for of in sorted(of for of in {*shown, *judged} if of[0] >= first)
    ]
