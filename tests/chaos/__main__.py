"""`python -m tests.chaos`: the long fault campaign over each broker, then the time to recover.

`--only NAME`: one kind of fault. `--recovery`: the table alone. `--stock`: the canary. `--seed` repeats a campaign.
"""

import argparse
import secrets
import signal
import sys
import tempfile
from pathlib import Path

from tests.chaos.campaign import Campaign
from tests.chaos.canary import lost_messages
from tests.chaos.faults import KINDS
from tests.chaos.recovery import recovery

SMALL = 400
"""Tickets of a campaign with one kind of fault, and of the one over RabbitMQ."""


def main() -> int:
    names = ", ".join(kind.replace(" ", "-") for kind in KINDS)
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Faults under load, then the books.")
    parser.add_argument("--tickets", type=int, help="2000; 400 with --only or over RabbitMQ")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--folder", type=Path, help="keep logs and books here")
    parser.add_argument("--broker", choices=("redis", "amqp", "both"), help="both, or what a fault needs")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help=f"of {names}; may be repeated")
    parser.add_argument("--recovery", action="store_true", help="how long until the work of killed workers goes on")
    parser.add_argument("--stock", action="store_true", help="kombu's own transport under raw producers: must lose")
    options = parser.parse_args()
    options.only = [name.replace("-", " ") if name != "half-open" else name for name in options.only]
    if unknown := set(options.only) - set(KINDS):
        parser.error(f"no such fault: {', '.join(unknown)}; there are {names}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leaving ends servers and workers, and unmounts
    with tempfile.TemporaryDirectory(prefix="deskhand-chaos-") as scratch:
        folder = options.folder or Path(scratch)
        if options.stock:
            return canary(folder, options.seed)
        if options.recovery:
            return recovery(folder, tell)
        held = [campaign(folder, broker, options) for broker in brokers(options)]
        if not options.only and not options.broker:
            held.append(recovery(folder, tell) == 0)
        return 0 if all(held) else 1


def brokers(options: argparse.Namespace) -> list[str]:
    if options.broker == "both" or not (options.broker or options.only):
        return ["redis", "amqp"]
    return [options.broker or ("amqp" if "rabbitmq restart" in options.only else "redis")]


def campaign(folder: Path, broker: str, options: argparse.Namespace) -> bool:
    tickets = options.tickets or (SMALL if options.only or broker == "amqp" else 2000)
    tell(f"broker {broker}")
    result = Campaign(
        folder / broker, tickets, options.workers, options.seed, broker=broker, kinds=options.only or KINDS, tell=tell
    ).run()
    tell(result.told())
    return result.held


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def canary(folder: Path, seed: int) -> int:
    lost, kept = lost_messages(folder / "stock", seed, stock=True), lost_messages(folder / "peek", seed, stock=False)
    tell(f"stock transport: lost {lost} (must be more than 0); peek channel: lost {kept}; seed {seed}")
    return 0 if lost > 0 and kept == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
