"""`python -m worker.simulator --port 0 --latency none --fault 429`: prints its URL as the first line and serves."""

import argparse
import asyncio
import sys
from contextlib import suppress

from worker.simulator.faults import IN_WORDS, fault_named
from worker.simulator.server import Simulator


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m worker.simulator", description="A model's API on 127.0.0.1, in each make's form.", epilog="faults: " + "; ".join(f"{kind}: {names}" for kind, names in IN_WORDS))  # fmt: skip # noqa: E501
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--latency", default="none", help="none, typical, or seconds")
    parser.add_argument("--seed", type=int, default=0, help="makes latency, ids and shares repeatable")
    parser.add_argument("--fault", action="append", default=[], help="on from the start; repeatable; see below")
    parser.add_argument("--times", type=int, default=None, help="how often each --fault hits; without it, always")
    parser.add_argument("--require-key", default=None, help="the only API key to accept; without it, any")
    return parser


async def _serve(options: argparse.Namespace) -> None:
    faults = [fault_named(name, options.times) for name in options.fault]
    settings = {"latency": options.latency, "seed": options.seed, "port": options.port}
    async with Simulator(*faults, **settings, require_key=options.require_key) as simulator:
        sys.stdout.write(f"{simulator.url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    """Serve until interrupted."""
    parser = _parser()
    options = parser.parse_args()
    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(_serve(options))
    except (ValueError, OSError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
