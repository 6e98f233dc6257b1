"""Does a tier's threshold keep what it promises? Simulated deployments: `python -m tests.bench.promise [--seeds 1000]`.

Each has a size (200 to 20,000 decisions), label noise (0 to 5 %), a share of tickets outside the taxonomy (0 to 20 %)
and a tier: calibrated, modest, overconfident, or one that is wrong at .97 to 1.00. A threshold is fitted on its
decisions as people made them: a ticket outside the taxonomy counts as routed wrongly, and so does a noisy label.
Promised is the share of right routes as people decide, so the truth is computed from the same model without sampling
labels: the mean chance of agreement of those of 3,000 further tickets that reach the threshold.
"""

import argparse
import random
from collections import Counter
from dataclasses import dataclass

from worker.models.thresholds import fitted

TIERS = ("calibrated", "modest", "overconfident", "wrong when sure")
UNSEEN = 3_000


@dataclass(frozen=True, slots=True)
class Deployment:
    """One. decisions: how many people made. foreign: share outside the taxonomy. skill: a ticket's mean chance."""

    seed: int
    decisions: int
    noise: float
    foreign: float
    tier: str
    skill: float

    @classmethod
    def drawn(cls, seed: int, largest: int = 20_000) -> "Deployment":
        dice = random.Random(seed)
        size = int(200 * (largest / 200) ** dice.random())
        return cls(seed, size, dice.uniform(0, 0.05), dice.uniform(0, 0.2), dice.choice(TIERS), dice.uniform(0.6, 0.98))

    def ticket(self, dice: random.Random) -> tuple[float, float]:
        """(confidence, chance that people decide as suggested)."""
        if dice.random() < self.foreign:
            return round(dice.betavariate(2, 2), 4), 0.0
        chance = dice.betavariate(self.skill * 4, (1 - self.skill) * 4)
        return round(self.confidence(chance, dice), 4), chance * (1 - self.noise)

    def confidence(self, chance: float, dice: random.Random) -> float:
        match self.tier:
            case "modest":
                return chance**2
            case "overconfident":
                return chance**0.2
            case "wrong when sure":
                return dice.uniform(0.97, 1.0)
            case _:
                return chance


def broken(deployment: Deployment, target: float, unseen: int = UNSEEN) -> bool:
    """Whether what the tier stands by is right less often than promised."""
    dice = random.Random(f"{deployment.seed} decisions")
    answers = []
    for _ in range(deployment.decisions):
        confidence, chance = deployment.ticket(dice)
        answers.append((confidence, dice.random() < chance))
    threshold = fitted(answers, target).confidence
    if threshold is None:
        return False
    dice = random.Random(f"{deployment.seed} unseen")
    further = (deployment.ticket(dice) for _ in range(unseen))
    chances = [chance for confidence, chance in further if confidence >= threshold]
    return bool(chances) and sum(chances) / len(chances) < target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1_000)
    seeds = parser.parse_args().seeds
    for target in (0.9, 0.95, 0.98):
        deployments = [Deployment.drawn(seed) for seed in range(seeds)]
        failed = [each for each in deployments if broken(each, target)]
        share, tiers = len(failed) / seeds, dict(Counter(each.tier for each in failed))
        print(f"target {target:.0%}: broken in {len(failed)} of {seeds} ({share:.1%}); {tiers}", flush=True)


if __name__ == "__main__":
    main()
