"""What autonomy costs and protects, by simulation: `python -m tests.bench.autonomy [--runs N]`.

First table: a label's agreement with people never changes; somebody looks after each of its labels. Second table: a
promoted label's agreement falls (or does not), seen through the audit alone.
"""

import argparse
import sys

import numpy as np

from fallbacks.autonomy.proof import Observation, Rule, Standing, e_value, observed

HORIZON = 3_000
"""Labels a person is asked for before we say that it was not promoted."""

AUDITS = 20_000
AGREEMENTS = (0.90, 0.95, 0.97, 0.98, 0.985, 0.99, 0.995, 0.998)
FALLS = (0.995, 0.99, 0.98, 0.95, 0.90, 0.80, 0.50)


def least_agreements(rule: Rule) -> int:
    """How many agreements without a single disagreement promote a kind."""
    count = 1
    while e_value(count, 0, rule.target) < 1 / rule.error:
        count += 1
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--target", type=float, default=Rule().target)
    arguments = parser.parse_args()
    rule = Rule(target=arguments.target)
    dice = np.random.default_rng(20261122)
    say(f"target {rule.target:.1%}, error {rule.error:.0%}, {arguments.runs:,} runs, {HORIZON:,} labels at most")
    say(f"without a disagreement {least_agreements(rule)} agreements suffice\n")
    say("true agreement | promoted | labels to promote: median | 90th percentile")
    for agreement in AGREEMENTS:
        say(promotion_line(agreement, rule, arguments.runs, dice))
    runs = min(arguments.runs, 2_000)
    say(f"\nafter promotion, {runs:,} runs, at an audit share of 5 % twenty decisions are one audit")
    say("agreement now | audits to demotion: mean | median | 90th percentile | share demoted within 1,000 audits")
    for agreement in FALLS:
        say(demotion_line(agreement, rule, runs, dice))


def promotion_line(agreement: float, rule: Rule, runs: int, dice: np.random.Generator) -> str:
    bound = most_disagreements(rule)
    took = []
    for _ in range(runs):
        wrong = (dice.random(HORIZON) >= agreement).cumsum()
        reached = np.flatnonzero(wrong <= bound)
        if reached.size:
            took.append(reached[0] + 1)
    share = len(took) / runs
    # counted over all runs: one that is never promoted took for ever
    sorted_took = sorted(took)

    def percentile(part: float) -> str:
        at = int(part * runs)
        return f"{sorted_took[at]:,}" if at < len(sorted_took) else f"> {HORIZON:,}"

    return f"{agreement:14.1%} | {share:8.2%} | {percentile(0.5):>25} | {percentile(0.9):>15}"


def most_disagreements(rule: Rule) -> "np.ndarray[tuple[int], np.dtype[np.int_]]":
    """For 1, 2, ... labels, the most disagreements with which they promote; -1 where none do."""
    bound, reached = np.full(HORIZON, -1), -1
    for n in range(1, HORIZON + 1):
        while reached < n and e_value(n - reached - 1, reached + 1, rule.target) >= 1 / rule.error:
            reached += 1
        bound[n - 1] = reached
    return bound


def demotion_line(agreement: float, rule: Rule, runs: int, dice: np.random.Generator) -> str:
    took = np.array([audits_until_demoted(agreement, rule, dice) for _ in range(runs)])
    middle, late = np.percentile(took, (50, 90))
    mean = f"{took.mean():,.0f}" if took.max() < AUDITS else f"> {took.mean():,.0f}"
    soon = (took <= 1_000).mean()
    return f"{agreement:13.1%} | {mean:>24} | {middle:6,.0f} | {late:15,.0f} | {soon:7.1%}"


def audits_until_demoted(agreement: float, rule: Rule, dice: np.random.Generator) -> int:
    standing = Standing(auto=True, n=200, agreements=200, promotions=1)
    right, wrong = Observation(agreed=True, blind=True), Observation(agreed=False, blind=True)
    for audit, agreed in enumerate(dice.random(AUDITS) < agreement, 1):
        standing = observed(standing, right if agreed else wrong, rule)
        if not standing.auto:
            return audit
    return AUDITS


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
