"""Is a better candidate promoted, and a worse one not? `python -m tests.bench.promotion [--seeds 1000] [--data FILE]`.

Simulated: people decide 1,000 tickets, `deskhand train` looks every fifty; on a share of the tickets learning and the
model at work route otherwise, and one of them is right. With --data: a model that knows a tenth of a labelled file's
train split is at work, people decide the rest in the file's order, and learning is tested forward on them.
"""

import argparse
import json
import math
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from tasks.triage.taxonomy import Label, Taxonomy, Team
from worker.models.held_out import ERROR, Outcome, sign_test, wealth
from worker.models.local.forward import FIRST
from worker.models.local.learning import compare, material
from worker.models.local.model import LocalModel
from worker.models.local.training import train
from worker.models.training_rows import Row

GAINS = (-0.02, -0.01, 0.0, 0.01, 0.02, 0.03, 0.04)
DIFFER = (0.04, 0.06, 0.10, 0.15)
DECISIONS = 1_000
LOOKS = 50
KNOWN = 0.1


def promoted(seed: int, gain: float, differ: float, decisions: int = DECISIONS) -> bool:
    """Whether any look promotes. gain: in the share routed as people do. differ: where only one of the two does."""
    dice = random.Random(f"{seed} {gain} {differ}")
    looks = list(wealth(_outcome(dice, gain, differ) for _ in range(decisions - FIRST)))[::LOOKS]
    return max(looks) >= 1 / ERROR


def _outcome(dice: random.Random, gain: float, differ: float) -> Outcome:
    if dice.random() >= differ:
        return 0
    return 1 if dice.random() < (1 + gain / differ) / 2 else -1


def possible(gain: float, differ: float, decisions: int = DECISIONS) -> float:
    """The power of a sign test that looks once, after the last decision: no test that may look at any time has more."""
    tested, total = decisions - FIRST, 0.0
    for count in range(1, tested + 1):
        seen = chance(count, tested, differ)
        if seen > 1e-9:
            least = next((wins for wins in range(count + 1) if sign_test(wins, count - wins) <= ERROR), count + 1)
            total += seen * sum(chance(wins, count, (1 + gain / differ) / 2) for wins in range(least, count + 1))
    return total


def chance(hits: int, total: int, share: float) -> float:
    """Of so many hits (the binomial distribution)."""
    if share <= 0 or share >= 1:
        return float(hits == total * share)
    logs = math.lgamma(total + 1) - math.lgamma(hits + 1) - math.lgamma(total - hits + 1)
    return math.exp(logs + hits * math.log(share) + (total - hits) * math.log1p(-share))


def simulated(seeds: int) -> None:
    say(f"promoted within {DECISIONS:,} decisions, of {seeds:,}; the columns: on how many the two route otherwise,")
    say("beside each what one look at the end by a sign test would have promoted: the most that is possible")
    say("gain   " + "".join(f"{differ:>8.0%} {'at most':>7}" for differ in DIFFER))
    for gain in GAINS:
        shares = (
            f"{sum(promoted(seed, gain, differ) for seed in range(seeds)) / seeds:8.1%} {possible(gain, differ):7.1%}"
            if abs(gain) <= differ
            else " " * 16
            for differ in DIFFER
        )
        say(f"{gain:+6.0%} {''.join(shares)}")


def replayed(path: Path) -> None:
    rows = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line.strip()]
    rows = [row for row in rows if row.get("split", "train") == "train"]
    random.Random(7).shuffle(rows)
    taxonomy, team_of = taxonomy_of(rows)
    texts: list[Row] = [(f"{row.get('subject') or ''}\n\n{row['body']}".strip(), row["label"]) for row in rows]
    base = texts[: int(KNOWN * len(texts))]
    before = LocalModel.of(taxonomy, train(base, team_of), "before")
    for count in (200, 500, 1_000, 2_000, 3_500):
        if count <= len(texts) - len(base):
            found = compare(material(base, texts[len(base) : len(base) + count], team_of), before, team_of)
            verdict = "promoted" if found.better else "not promoted"
            right, before_right = found.right / found.held_out, found.right_before / found.held_out
            say(
                f"{path.stem}: {count:,} decisions on {len(base):,} rows: learning {right:.1%} right, at work "
                f"{before_right:.1%}; {found.wins} to {found.losses}, e-value {found.e_value:.3g}: {verdict}"
            )


def taxonomy_of(rows: Sequence[dict[str, str]]) -> tuple[Taxonomy, dict[str, str]]:
    """The labels and teams that labelled rows name."""
    team_of = {row["label"]: row.get("team") or row["label"] for row in rows}
    teams = tuple(Team(name=name, description=name) for name in sorted(set(team_of.values())))
    labels = tuple(Label(name=name, description=name, team=team) for name, team in sorted(team_of.items()))
    return Taxonomy(teams=teams, labels=labels), team_of


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1_000)
    parser.add_argument("--data", type=Path, nargs="*", default=())
    arguments = parser.parse_args()
    simulated(arguments.seeds)
    for path in arguments.data:
        replayed(path)


if __name__ == "__main__":
    main()
