"""`python -m tests.chaos [--tickets 2000 --workers 4 --seed N]`: the long fault campaign; `--stock`: its canary."""

import argparse
import secrets
import sys
import tempfile
from pathlib import Path

from tests.chaos.campaign import Campaign
from tests.chaos.canary import lost_messages


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Faults under load, then the books.")
    parser.add_argument("--tickets", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--folder", type=Path, help="keep logs and books here")
    parser.add_argument("--stock", action="store_true", help="kombu's own transport under raw producers: must lose")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="deskhand-chaos-") as scratch:
        folder = options.folder or Path(scratch)
        if options.stock:
            return canary(folder, options.seed)
        result = Campaign(folder, options.tickets, options.workers, options.seed, tell=tell).run()
        tell(result.told())
        return 0 if result.held else 1


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def canary(folder: Path, seed: int) -> int:
    lost, kept = lost_messages(folder / "stock", seed, stock=True), lost_messages(folder / "peek", seed, stock=False)
    tell(f"stock transport: lost {lost} (must be more than 0); peek channel: lost {kept}; seed {seed}")
    return 0 if lost > 0 and kept == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
