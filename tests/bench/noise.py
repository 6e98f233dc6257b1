"""What people's slips cost, and whether correcting for them lets a worse label through: `python -m tests.bench.noise`.

A label of a true precision is suggested 10,000 times. Who is shown a right suggestion changes it with probability
`slips`, and who is shown a wrong one lets it pass with probability `passed`. One in `PROBED` decisions is a probe: half
of those ask again what was approved, half show a mistake. Somebody looks after every `LOOKS`.
"""

import argparse
import random
import sys

from fallbacks.autonomy.noise import Noise, corrected
from fallbacks.autonomy.proof import Rule, e_value

DECISIONS = 10_000
LOOKS = 500
PROBED = 4
CASES = (
    (0.98, 0.03, 0.2),
    (0.98, 0.05, 0.05),
    (0.98, 0.0, 0.3),
    (0.97, 0.03, 0.2),
    (0.95, 0.05, 0.4),
    (0.9, 0.03, 0.8),
)
BETTER = ((0.99, 0.03, 0.05), (0.995, 0.03, 0.05), (1.0, 0.03, 0.05), (1.0, 0.0, 0.05))


def promoted(
    seed: int, precision: float, slips: float, passed: float, *, correct: bool, total: int = DECISIONS
) -> bool:
    """Whether any look promotes."""
    dice, rule = random.Random(f"{seed} {precision} {slips} {passed}"), Rule()
    agreed, counts = 0, dict.fromkeys(("same", "changed", "caught", "missed"), 0)

    def agrees(right: bool) -> bool:
        return dice.random() >= slips if right else dice.random() < passed

    for decision in range(1, total + 1):
        right = dice.random() < precision
        first = agrees(right)
        agreed += first
        if decision % PROBED == 0:
            if decision % (2 * PROBED):
                while not first:  # what is asked again was approved
                    right = dice.random() < precision
                    first = agrees(right)
                counts["same" if agrees(right) else "changed"] += 1
            else:
                counts["missed" if agrees(False) else "caught"] += 1
        if decision % LOOKS == 0:
            used = corrected(rule, Noise(**counts)) if correct else rule
            if e_value(agreed, decision - agreed, used.target) >= 1 / used.error:
                return True
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=500)
    seeds = parser.parse_args().seeds
    say(f"target {Rule().target:.0%}; promoted within {DECISIONS:,} decisions, of {seeds:,} labels")
    say("precision  slips  passed | as agreed  corrected")
    for case in (*CASES, *BETTER):
        shares = [
            sum(promoted(seed, *case, correct=correct) for seed in range(seeds)) / seeds for correct in (False, True)
        ]
        say("{:9.1%} {:6.0%} {:7.0%} | {:9.1%} {:10.1%}".format(*case, *shares))


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
