"""Does a tier's threshold keep what it promises? Simulated deployments: `python -m tests.bench.promise [--seeds 1000]`.

Each has a size (200 to 20,000 decisions), label noise (0 to 5 %), a share of tickets outside the taxonomy (0 to 20 %)
and a tier: calibrated, modest, overconfident, or one that is wrong at .97 to 1.00. A threshold is fitted on its
decisions as people made them: a ticket outside the taxonomy counts as routed wrongly, and so does a noisy label.
Promised is the share of right routes as people decide, so the truth is computed from the same model without sampling
labels: the mean chance of agreement of those of 3,000 further tickets that reach the threshold.

With --apart as the local tier has it: the decisions hold no ticket outside the taxonomy, as held-out training rows do
not, and what is known of those is what people closed among 50 to 20,000 other tickets. It is promised in all only from
where they are counted in; the line says in how many deployments they were.
"""

import argparse
import random
from collections import Counter
from dataclasses import dataclass, replace

from worker.models.outside import Outside
from worker.models.thresholds import Threshold, fitted

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

    @property
    def ended(self) -> int:
        """Tickets that people ended beside."""
        return int(50 * 400 ** random.Random(f"{self.seed} ended").random())

    @classmethod
    def drawn(cls, seed: int, largest: int = 20_000) -> "Deployment":
        dice = random.Random(seed)
        size = int(200 * (largest / 200) ** dice.random())
        return cls(seed, size, dice.uniform(0, 0.05), dice.uniform(0, 0.2), dice.choice(TIERS), dice.uniform(0.6, 0.98))

    def ticket(self, dice: random.Random) -> tuple[float, float]:
        """(confidence, chance that people decide as suggested)."""
        if dice.random() < self.foreign:
            return round(self.confidence(dice.betavariate(2, 2), dice), 4), 0.0
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


def promised(deployment: Deployment, target: float) -> Threshold:
    """By decisions that hold everything people see."""
    dice = random.Random(f"{deployment.seed} decisions")
    tickets = (deployment.ticket(dice) for _ in range(deployment.decisions))
    return fitted([(confidence, dice.random() < chance) for confidence, chance in tickets], target)


def promised_apart(deployment: Deployment, target: float) -> Threshold:
    """By rows within the taxonomy, and by what people closed."""
    dice, within = random.Random(f"{deployment.seed} apart"), replace(deployment, foreign=0.0)
    tickets = (within.ticket(dice) for _ in range(deployment.decisions))
    answers = [(confidence, dice.random() < chance) for confidence, chance in tickets]
    ended = [dice.random() < deployment.foreign for _ in range(deployment.ended)]
    strange = replace(deployment, foreign=1.0)
    closed = sorted(strange.ticket(dice)[0] for unfitting in ended if unfitting)
    return fitted(answers, target, outside=Outside(len(ended), len(closed), tuple(closed)))


def counts(threshold: Threshold) -> bool:
    return threshold.outside is not None and threshold.outside.counts(threshold.target)


def broken(deployment: Deployment, threshold: Threshold, unseen: int = UNSEEN) -> bool:
    """Whether what the tier stands by is right less often than promised, of all that it promises of."""
    if threshold.confidence is None:
        return False
    if threshold.outside is not None and not counts(threshold):
        deployment = replace(deployment, foreign=0.0)
    dice = random.Random(f"{deployment.seed} unseen")
    further = (deployment.ticket(dice) for _ in range(unseen))
    chances = [chance for confidence, chance in further if confidence >= threshold.confidence]
    return bool(chances) and sum(chances) / len(chances) < threshold.target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1_000)
    parser.add_argument("--apart", action="store_true")
    arguments = parser.parse_args()
    deployments = [Deployment.drawn(seed) for seed in range(arguments.seeds)]
    for target in (0.9, 0.95, 0.98):
        found = [(each, (promised_apart if arguments.apart else promised)(each, target)) for each in deployments]
        failed = [each for each, threshold in found if broken(each, threshold)]
        stood = sum(threshold.confidence is not None for _, threshold in found)
        counted = sum(counts(threshold) for _, threshold in found)
        print(
            f"target {target:.0%}: broken in {len(failed)} of {len(found)} ({len(failed) / len(found):.1%}), "
            f"of which {stood} stand by anything; {dict(Counter(each.tier for each in failed))}"
            + (f"; tickets out of scope are counted in by {counted}" if arguments.apart else ""),
            flush=True,
        )


if __name__ == "__main__":
    main()
