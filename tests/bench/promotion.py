"""Is a better candidate promoted, and a worse one not? `python -m tests.bench.promotion [--seeds 1000] [--data FILE]`.

Simulated: people decide 1,000 tickets, `deskhand train` looks every fifty; on a share of the tickets learning and the
model at work route otherwise, and one of them is right. With --data: a model that knows a tenth of a labelled file's
train split is at work, people decide the rest in the file's order, and learning is tested forward on them.
"""

import argparse
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from tasks.triage.taxonomy import Label, Taxonomy, Team
from worker.models.held_out import ERROR, e_value
from worker.models.local.learning import compare, material
from worker.models.local.model import LocalModel
from worker.models.local.training import train
from worker.models.training_rows import Row

GAINS = (-0.05, -0.02, -0.01, 0.0, 0.01, 0.02, 0.03, 0.05)
DIFFER = (0.04, 0.06, 0.10)
DECISIONS = 1_000
LOOKS = 50
KNOWN = 0.1


def promoted(seed: int, gain: float, differ: float, decisions: int = DECISIONS) -> bool:
    """Whether any look promotes. gain: in the share routed as people do. differ: where only one of the two does."""
    dice, wins, losses = random.Random(f"{seed} {gain} {differ}"), 0, 0
    for decision in range(1, decisions + 1):
        if dice.random() < differ:
            won = dice.random() < (1 + gain / differ) / 2
            wins, losses = wins + won, losses + (not won)
        if decision % LOOKS == 0 and e_value(wins, losses) >= 1 / ERROR:
            return True
    return False


def simulated(seeds: int) -> None:
    say(f"promoted within {DECISIONS:,} decisions, of {seeds:,}; the columns: on how many the two route otherwise")
    say("gain   " + "".join(f"{differ:>9.0%}" for differ in DIFFER))
    for gain in GAINS:
        shares = (
            f"{sum(promoted(seed, gain, differ) for seed in range(seeds)) / seeds:9.1%}"
            if abs(gain) <= differ
            else " " * 9
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
