"""`python -m tests.chaos`: the fault campaign on each stage and seed, a table of verdicts, then the time to recover.

`--only NAME`: one kind of fault. `--recovery`, `--conversations`, `--approvals`, `--moving`, `--failovers`,
`--cluster`: those alone. `--stock`: the canary. `--seed` repeats a campaign. `--make bedrock`: the model is asked in
that form.
"""

import argparse
import asyncio
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.chaos.approving import Approving
from tests.chaos.campaign import Campaign, Result
from tests.chaos.canary import lost_messages
from tests.chaos.clustering import Clustering
from tests.chaos.conversing import Conversing
from tests.chaos.departing import ENGINES, Departing
from tests.chaos.failing_over import FailingOver
from tests.chaos.provider import BLIPS
from tests.chaos.recovery import recovery
from tests.chaos.scene import KINDS, MAKES, STAGES, Stage
from tests.chaos.tables import faults_table, verdicts_table

TICKETS = 2000
SMALL = 400
"""Tickets of a campaign with chosen kinds of faults."""

CONVERSATIONS = 500
APPROVALS = 500

FAILOVERS, IN_FLIGHT = 20, 200
"""And tickets in flight at each."""

SEEDS = (7, 11, 23)
MANY_BLIPS = 6


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leaving ends servers and workers, and unmounts
    with tempfile.TemporaryDirectory(prefix="deskhand-chaos-") as scratch:
        folder = options.folder or Path(scratch)
        if options.stock:
            return canary(folder, options.seed[0])
        if options.recovery:
            return recovery(folder, report)
        if options.conversations:
            return conversations(folder, options)
        if options.approvals:
            return approvals(folder, options)
        if options.moving:
            return moving(folder, options)
        if options.failovers:
            return failovers(folder, options)
        if options.cluster:
            return cluster(folder, options)
        results = list(campaigns(folder, options))
        report(verdicts_table(results))
        report(faults_table([result for _, result in results]))
        held = all(result.held for _, result in results)
        if not options.only and not options.stage:
            rest = [part(folder, options) for part in (conversations, approvals, moving, failovers, cluster)] + [
                recovery(folder, report)
            ]
            held = not any(rest) and held
        return 0 if held else 1


def _options() -> argparse.Namespace:
    names = {kind.replace(" ", "-"): kind for kind in KINDS}
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Faults under load, then the audit.")
    parser.add_argument("--tickets", type=int, help=f"{TICKETS}; {SMALL} with --only")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seed", type=int, action="append", help=f"may be repeated; {SEEDS} by default")
    parser.add_argument("--folder", type=Path, help="keep logs and data here")
    parser.add_argument("--stage", choices=STAGES, action="append", help="may be repeated; all, or what a fault needs")
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument("--recovery", action="store_true", help="how long until the work of killed workers goes on")
    parser.add_argument("--conversations", action="store_true", help="in any order, doubled, over killed workers")
    parser.add_argument("--approvals", action="store_true", help="effects that wait for people, over what is killed")
    parser.add_argument("--moving", action="store_true", help="to history, over whatever is killed meanwhile")
    parser.add_argument("--failovers", type=int, nargs="?", const=FAILOVERS, help="of the composed store; 20")
    parser.add_argument("--cluster", action="store_true", help="three masters, three replicas: killed, slots moved")
    parser.add_argument("--history", choices=ENGINES, help="with --moving: the engine; both by default")
    parser.add_argument("--stock", action="store_true", help="kombu's own transport under raw producers: must lose")
    parser.add_argument("--make", choices=MAKES, default="anthropic", help="in whose form the model is asked")
    options = parser.parse_args()
    options.only = [names[name] for name in options.only or ()]
    options.seed = options.seed or list(SEEDS)
    return options


def campaigns(folder: Path, options: argparse.Namespace) -> Iterator[tuple[str, Result]]:
    """Each stage with each seed."""
    tickets = options.tickets or (SMALL if options.only else TICKETS)
    for place, seed in enumerate(options.seed):
        for name in options.stage or stages_of(options.only):
            kinds = options.only or kinds_of(STAGES[name], place, len(options.seed))
            where = folder / f"{name}-{seed}"
            result = Campaign(
                where, tickets, options.workers, seed, stage=name, kinds=kinds, report=report, make=options.make
            ).run()
            report(result.summary())
            yield name, result


def conversations(folder: Path, options: argparse.Namespace) -> int:
    """With the local tier, whose labels are looked at too."""
    result = Conversing(folder / "conversations", options.tickets or CONVERSATIONS, options.seed[0]).run()
    report(result.summary())
    return 0 if result.held else 1


def approvals(folder: Path, options: argparse.Namespace) -> int:
    """Of refunds; with workers and the store killed meanwhile."""
    result = Approving(folder / "approvals", options.tickets or APPROVALS, options.seed[0], report=report).run()
    report(result.summary())
    return 0 if result.held else 1


def moving(folder: Path, options: argparse.Namespace) -> int:
    """On each engine of history."""
    held = True
    for engine in [options.history] if options.history else ENGINES:
        result = Departing(
            folder / f"moving-{engine}", engine, options.tickets or TICKETS, options.seed[0], report=report
        ).run()
        report(result.summary())
        held = held and result.held
    return 0 if held else 1


def failovers(folder: Path, options: argparse.Namespace) -> int:
    """With one replica that is waited for, and with none."""
    held = True
    for replicas in (1, 0):
        rounds = options.failovers or FAILOVERS
        where = folder / f"failovers-{replicas}"
        result = FailingOver(where, replicas, rounds, options.tickets or IN_FLIGHT, report).run()
        report(result.summary())
        held = held and result.held
    return 0 if held else 1


def cluster(folder: Path, options: argparse.Namespace) -> int:
    """One ledger over three masters, with a replica each that is waited for."""
    found = asyncio.run(Clustering(folder / "cluster", options.tickets or TICKETS).run(options.workers))
    report(found.words)
    return 0 if found.held else 1


def kinds_of(stage: Stage, place: int, seeds: int) -> list[str]:
    """All but blips, which wait for each other: where there are many, each seed has its part of them."""
    blips = [kind for kind in stage.kinds if kind in BLIPS]
    mine = blips if len(blips) < MANY_BLIPS else blips[place::seeds]
    return [kind for kind in stage.kinds if kind not in BLIPS or kind in mine]


def stages_of(kinds: list[str]) -> list[str]:
    """All; or the first on which all of these kinds can strike."""
    return [name for name, stage in STAGES.items() if not set(kinds) - set(stage.kinds)][: 1 if kinds else None]


def report(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def canary(folder: Path, seed: int) -> int:
    lost, kept = lost_messages(folder / "stock", seed, stock=True), lost_messages(folder / "peek", seed, stock=False)
    report(f"stock transport: lost {lost} (must be more than 0); peek channel: lost {kept}; seed {seed}")
    return 0 if lost > 0 and kept == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
