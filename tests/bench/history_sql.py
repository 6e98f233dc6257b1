"""History at its size: `python -m tests.bench.history_sql [--engine postgres] [--tickets 1000000]`. Prints a table.

Tickets of the sample are lived through once by the real executor; their words, requesters, labels and times are then
drawn anew for each ended ticket, and the real writer writes them in batches of a hundred. CPU of the writing is this
process's own and, of PostgreSQL, that of all its processes; making the tickets up is not counted. Searches go through
the port, as screens and API do.
"""

import argparse
import asyncio
import json
import os
import random
import re
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, process_time

import psutil
import psycopg

from fallbacks.history.facts import entry_of
from fallbacks.history.port import EndedTicket, Entry, History, Search
from fallbacks.history.postgres.history import PostgresHistory
from fallbacks.history.sqlite.history import SqliteHistory
from fallbacks.history.words import words_of
from tasks.triage.process import Triage
from tests.bench.dictionary import lived
from tests.services.postgres import PostgresServer, open_folder
from worker import sample
from worker.config.yaml_taxonomy import load_taxonomy

BATCH = 100
TEMPLATES = 40
REQUESTERS = 50
"""Tickets of one requester, on average."""

YEAR_MS = 365 * 86_400_000
FIRST_MS = 1_767_225_600_000
ASKED = 200
"""Of each kind of question."""

REPORTS = (
    "SELECT * FROM costs_by_day ORDER BY day",
    "SELECT * FROM agreement_by_label",
    "SELECT label, count(*), avg(took_ms) FROM decisions GROUP BY label",
)

_AT = re.compile(r'"at":(\d+)')


@dataclass
class Tickets:
    """Made-up ended tickets, the same for the same seed, oldest first."""

    count: int
    templates: list[EndedTicket]
    dice: random.Random = field(default_factory=lambda: random.Random(7))
    words: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.process = Triage(load_taxonomy(sample.path("taxonomy.yaml")))
        self._rows = sample.rows()

    def batches(self) -> Iterator[list[Entry]]:
        for start in range(0, self.count, BATCH):
            yield [self._entry(number) for number in range(start, min(start + BATCH, self.count))]

    def requester(self) -> str:
        return f"c-{self.dice.randrange(max(1, self.count // REQUESTERS))}"

    def label(self) -> str:
        return str(self.dice.choice(self._rows)["label"])

    def ticket_id(self) -> str:
        return f"tkt-{self.dice.randrange(self.count):08}"

    def _entry(self, number: int) -> Entry:
        template, rows = self.dice.choice(self.templates), self.dice.choices(self._rows, k=self.dice.randint(1, 4))
        old = json.loads(template.row["body"])
        ticket_id, body = f"tkt-{number:08}", " ".join(row["body"] for row in rows)
        accepted = FIRST_MS + number * YEAR_MS // self.count
        later = accepted - int(template.row["accepted"])
        old_body, new_body = json.dumps(old["body"])[1:-1], json.dumps(body)[1:-1]

        def anew(stored: str) -> str:
            moved = _AT.sub(lambda at: f'"at":{int(at[1]) + later}', stored)
            return moved.replace(template.id, ticket_id).replace(old_body, new_body)

        ticket = {**old, "id": ticket_id, "body": body, "requester": {"id": self.requester(), "name": "Somebody"}}
        decision = {**json.loads(template.row["decision"]), "label": rows[0]["label"], "team": rows[0]["team"]}
        row = {**template.row, "body": json.dumps(ticket), "accepted": str(accepted), "decision": json.dumps(decision)}
        row["since"] = str(int(template.row["since"]) + later)
        entry = entry_of(EndedTicket(ticket_id, row, tuple(map(anew, template.journal)), {}), self.process)
        if number % 50 == 0:
            self.words.update(set(words_of(entry).split()))
        return entry


@dataclass
class Meter:
    """CPU seconds of this process, and of a server's processes."""

    server: int | None

    def read(self) -> float:
        return process_time() + (self._server() if self.server else 0.0)

    def _server(self) -> float:
        top = psutil.Process(self.server)
        ended = top.cpu_times()
        used = ended.user + ended.system + ended.children_user + ended.children_system
        for child in top.children(recursive=True):
            times = child.cpu_times()
            used += times.user + times.system
        return float(used)


async def fill(history: History, tickets: Tickets, meter: Meter) -> tuple[float, float]:
    """Ms of CPU a ticket: of this process, and of all."""
    own = everybody = 0.0
    began = perf_counter()
    for number, batch in enumerate(tickets.batches()):
        before, before_own = meter.read() if number % 100 == 0 else 0.0, process_time()
        await history.write(batch)
        own += process_time() - before_own
        if before:
            everybody += meter.read() - before
        if number and number % 500 == 0:
            say(f"{number * BATCH:,} tickets after {perf_counter() - began:.0f} s")
    count = len(range(0, tickets.count, BATCH * 100)) * BATCH
    return own / tickets.count * 1000, everybody / count * 1000


async def timed(ask: Callable[[], Awaitable[object]], count: int = ASKED) -> str:
    took = []
    for _ in range(count):
        began = perf_counter()
        await ask()
        took.append((perf_counter() - began) * 1000)
    p95 = statistics.quantiles(took, n=20)[-1] if count > 1 else took[0]
    return f"{statistics.median(took):.1f} | {p95:.1f}"


async def questions(history: History, tickets: Tickets) -> AsyncIterator[tuple[str, str]]:
    half = tickets.count // 50 / 2
    common = min(tickets.words, key=lambda word: abs(tickets.words[word] - half))
    share = tickets.words[common] / max(1, tickets.count // 50)
    usual = [word for word, seen in tickets.words.most_common(400) if word.isalpha()]
    pick = tickets.dice.choice
    year = range(FIRST_MS, FIRST_MS + YEAR_MS)
    kinds: dict[str, Callable[[], Awaitable[object]]] = {
        "search: two words": lambda: history.search(Search(f"{pick(usual)} {pick(usual)}")),
        "search: a word's beginning": lambda: history.search(Search(f"{pick(usual)[:4]}*")),
        f"search: {common!r}, in {share:.0%} of all": lambda: history.search(Search(common)),
        "search: an id": lambda: history.search(Search(tickets.ticket_id())),
        "search: requester": lambda: history.search(Search(requester=tickets.requester())),
        "search: label, a month": lambda: history.search(
            Search(facets={"label": tickets.label()}, since_ms=(at := pick(year)), until_ms=at + 30 * 86_400_000)
        ),
        "search: label and two words": lambda: history.search(
            Search(f"{pick(usual)} {pick(usual)}", facets={"label": tickets.label()})
        ),
        "earlier tickets of a requester": lambda: history.of_requester(tickets.requester(), 20),
        "find": lambda: history.find(tickets.ticket_id()),
        "known, 100 ids": lambda: history.known([tickets.ticket_id() for _ in range(100)]),
    }
    for name, ask in kinds.items():
        yield name, await timed(ask)
    yield "totals, by day", await timed(history.totals, 3)
    for sql in REPORTS:
        yield f"`{sql}`", await timed(lambda sql=sql: history.query(sql, {}), 3)  # type: ignore[misc]


@asynccontextmanager
async def postgres() -> AsyncIterator[tuple[History, Meter, Callable[[], int]]]:
    with open_folder() as folder, PostgresServer(Path(folder), durable=True) as server:
        url = server.fresh()
        history = PostgresHistory(url, Triage(load_taxonomy(sample.path("taxonomy.yaml"))))

        def size() -> int:
            with psycopg.connect(url, autocommit=True) as db:
                db.execute("VACUUM ANALYZE")
                found = db.execute("SELECT pg_database_size(current_database())").fetchone()
                return int(found[0]) if found else 0

        try:
            yield history, Meter(server.pid), size
        finally:
            await history.aclose()


@asynccontextmanager
async def sqlite() -> AsyncIterator[tuple[History, Meter, Callable[[], int]]]:
    with tempfile.TemporaryDirectory() as folder:
        history = SqliteHistory(Path(folder) / "history.sqlite", Triage(load_taxonomy(sample.path("taxonomy.yaml"))))
        try:
            yield history, Meter(None), lambda: sum(path.stat().st_size for path in Path(folder).iterdir())
        finally:
            await history.aclose()


ENGINES = {"sqlite": sqlite, "postgres": postgres}


async def measure(engine: str, count: int, templates: list[EndedTicket]) -> None:
    tickets = Tickets(count, templates)
    async with ENGINES[engine]() as (history, meter, size):
        began = perf_counter()
        own, everybody = await fill(history, tickets, meter)
        took = perf_counter() - began
        each = size() / count
        say(
            f"\n{engine}: {count:,} ended tickets, {each:,.0f} bytes each on disk, written in {took:.0f} s. "
            f"CPU a ticket: {own:.3f} ms of the writer, {everybody:.3f} ms with the server's. "
            f"Load average {os.getloadavg()}"
        )
        say("| what | median, ms | p95, ms |", "|---|---|---|")
        async for name, found in questions(history, tickets):
            say(f"| {name} | {found} |")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.history_sql", description=__doc__)
    parser.add_argument("--engine", choices=sorted(ENGINES), nargs="*", default=sorted(ENGINES))
    parser.add_argument("--tickets", type=int, default=100_000)
    options = parser.parse_args()
    measure_all(options.engine, options.tickets)


def measure_all(engines: Sequence[str], count: int) -> None:
    templates = [ticket for ticket, _ in asyncio.run(lived(TEMPLATES))]
    for engine in engines:
        asyncio.run(measure(engine, count, templates))


def say(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
