"""Trains the dictionary of history's documents: `python -m tests.bench.dictionary`, when the journal's form changes.

The sample's tickets are worked by the real executor, half of them by the local model and half by a simulated remote
one, and decided by a person. A database goes on reading what it has: it keeps each dictionary that it has used.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from fallbacks.history.documents import SHIPPED, pack, train
from fallbacks.history.facts import facts_of
from fallbacks.history.port import EndedTicket
from tasks.ticket import Ticket
from worker import sample
from worker.config.settings import Settings, load_settings
from worker.models.tier import close_models
from worker.service.embedded_valkey import EmbeddedValkey
from worker.service.web import make_parts
from worker.simulator.server import Simulator
from worker.wiring import Parts

TICKETS = 400
"""Of each half."""

SIZE = 48 * 1024
PERSON = "ann"


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Parts]:
    parts = make_parts(settings)
    try:
        yield parts
    finally:
        await close_models(parts.tiers)
        await parts.aclose()
        parts.app.close()


async def ended(parts: Parts, seed: int, count: int) -> list[EndedTicket]:
    """Sample tickets that a person has decided, as the store holds them."""
    found = []
    for labelled in sample.sample_tickets("train", count, seed):
        ticket = Ticket.model_validate(labelled["ticket"])
        await parts.ledger.accept(ticket, parts.settings.limits, max_wait_seconds=3600)
        await parts.executor.triage(ticket.id or "")
        item = await parts.inbox.claim(ticket.id or "", PERSON)
        if item.state == "suggested":
            await parts.inbox.approve(item.id, PERSON, item.version)
        else:
            given = parts.process.hand.model_validate({"label": labelled["label"], "summary": "As the ticket says."})
            await parts.inbox.edit(item.id, PERSON, item.version, given)
        row, journal = await parts.store.row(item.id), await parts.store.journal(item.id)
        row.pop("undo", None)
        found.append(EndedTicket(item.id, row, tuple(journal), {}))
    return found


async def lived(count: int) -> list[tuple[EndedTicket, str]]:
    """Both halves, each ticket with its text."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedValkey(Path(folder)):
        async with Simulator() as simulated:
            remote = {"anthropic_base_url": simulated.url, "anthropic_api_key": "none", "model": "claude-haiku-5-5"}
            found = []
            for seed, options in enumerate(({"model": "local"}, remote)):
                settings = load_settings(home=Path(folder), namespace=f"half-{seed}", **options)
                async with opened(settings) as parts:
                    tickets = await ended(parts, seed, count)
                    found += [(one, facts_of(one, parts.process).text) for one in tickets]
    return found


def figures(samples: list[tuple[EndedTicket, str]]) -> Iterator[str]:
    packed = pack(samples)
    yield f"{len(packed)} tickets, {sum(map(len, packed)) / len(packed):.0f} bytes each"


def main() -> None:
    samples = asyncio.run(lived(TICKETS))
    SHIPPED.write_bytes(train(samples[::2], SIZE))
    print(*figures(samples[1::2]))


if __name__ == "__main__":
    main()
