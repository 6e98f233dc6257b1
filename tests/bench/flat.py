"""Does the store's memory stay flat? `python -m tests.bench.flat [--tickets 200000]`: a table, one row a lot.

A fast producer with no model: each ticket is accepted, claimed, decided and its outcome delivered by the real calls,
and leaves for history in SQLite as the delivery loop moves it, a lot at a time.
"""

import argparse
import asyncio
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

from fallbacks.delivery.outbox import Outbox
from fallbacks.delivery.outcomes import Outcome, OutcomeWriter
from fallbacks.history.sqlite.history import SqliteHistory
from fallbacks.ledger.ledger import Claim, Conclusion, Ledger
from fallbacks.ledger.past.examples import Examples
from fallbacks.ledger.past.known_before import KnownBefore
from fallbacks.ledger.past.leaving import Leaving
from fallbacks.ledger.sums.audit import audit
from fallbacks.store.redis_store import RedisStore
from tasks.run.limits import Limits
from tasks.ticket import Priority
from tests.bench.life import BODY, Delivered, taken
from tests.fallbacks.scene import DECISION, TRIAGE, ticket
from tests.services.valkey import ValkeyServer

LOT = 1_000
TOGETHER = 50


async def put_through(store: RedisStore, ledger: Ledger, ids: Sequence[str]) -> None:
    """Whole lives of a lot, so many side by side."""
    outcomes = OutcomeWriter(wanted=True)

    async def one(ticket_id: str) -> None:
        await ledger.accept(ticket(ticket_id, BODY), Limits(), idempotency_key=f"key-{ticket_id}")
        claim = await ledger.claim(ticket_id, "w")
        assert isinstance(claim, Claim)
        outbox = outcomes.entries(Outcome.DECIDED, ticket_id, "http", {"state": "decided", "decision": DECISION})
        await ledger.decide(claim.lease, Conclusion((), DECISION, Priority.NORMAL), outbox)

    for start in range(0, len(ids), TOGETHER):
        await asyncio.gather(*map(one, ids[start : start + TOGETHER]))
    await Outbox(store, Delivered()).send_due()


async def measure(url: str, folder: Path, tickets: int) -> None:
    """Print what the store holds after each tenth, or each lot where that is more."""
    store, history = RedisStore(url), SqliteHistory(folder / "history.sqlite", TRIAGE)
    ledger = Ledger(store, TRIAGE, before=KnownBefore(history))
    leaving, examples = Leaving(store, history, TRIAGE, rests_ms=0), Examples(store, TRIAGE, history)
    began, every = perf_counter(), max(LOT, tickets // 20 // LOT * LOT)
    print("| tickets put through | store, MB | in the store | in history | file of history, MB | seconds |")
    print("|---|---|---|---|---|---|")
    try:
        for start in range(0, tickets, LOT):
            await put_through(store, ledger, [f"t{n}" for n in range(start, start + LOT)])
            while (await leaving.round()).left:
                pass
            await examples.leave()
            done = start + LOT
            if done % every == 0 or done == LOT:
                here, (there, size) = await taken(store), await _there(history, folder)
                live = sum(await store.sizes(["s:decided", "s:queued", "s:running"]))
                took = perf_counter() - began
                print(
                    f"| {done:,} | {here.memory / 1e6:.2f} | {live} | {there:,} | {size / 1e6:.0f} | {took:.0f} |",
                    flush=True,
                )
        report = await audit(store, history)
        print(f"audit: {'balanced' if report.balanced else report.problems}; {report.in_history:,} in history")
    finally:
        await history.aclose()
        await store.aclose()


async def _there(history: SqliteHistory, folder: Path) -> tuple[int, int]:
    sizes = await asyncio.to_thread(lambda: [path.stat().st_size for path in folder.glob("history.sqlite*")])
    return (await history.totals()).tickets, sum(sizes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, default=200_000)
    tickets = parser.parse_args().tickets
    with tempfile.TemporaryDirectory() as folder, ValkeyServer(Path(folder) / "store") as server:
        asyncio.run(measure(server.url, Path(folder), tickets))
    print(f"load average: {os.getloadavg()}")


if __name__ == "__main__":
    main()
