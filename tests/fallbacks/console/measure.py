"""How fast the console answers with 10,000 items waiting: `python -m tests.fallbacks.console.measure [ITEMS]`."""

import asyncio
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles
from time import perf_counter

import httpx

from tasks.triage.process import Triage
from tests.fallbacks.console.agent import Agent
from tests.fallbacks.console.browserless import signed_in, version_on
from tests.fallbacks.console.door import Door
from tests.fallbacks.console.test_races import suggested
from tests.services.valkey import ValkeyServer
from worker import sample
from worker.config.yaml_taxonomy import load_taxonomy

ROUNDS = 100


async def seed(door: Door, agent: Agent, items: int) -> None:
    for start in range(0, items, 100):
        await asyncio.gather(*(suggested(door, agent, number) for number in range(start, min(start + 100, items))))


def timed(act: Callable[[], object], rounds: int = ROUNDS) -> str:
    taken: list[float] = []
    for _ in range(rounds):
        begun = perf_counter()
        act()
        taken.append((perf_counter() - begun) * 1000)
    cuts = quantiles(taken, n=100)
    return f"p50 {cuts[49]:6.1f} ms  p95 {cuts[94]:6.1f} ms"


def approve(client: httpx.Client, page: str) -> None:
    ticket_id = page.split('data-ticket="')[1].split('"')[0]
    sent = {"version": version_on(page), "then": "work"}
    answer = client.post(f"/tickets/{ticket_id}/approve", data=sent, headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.text


def main(items: int) -> None:
    taxonomy = load_taxonomy(sample.path("taxonomy.yaml"))
    folder = Path(tempfile.mkdtemp())
    with ValkeyServer(folder) as valkey, Door(valkey.url, Triage(taxonomy)) as door:
        door.add_user("rita")
        door.run(seed(door, Agent(door.ledger, taxonomy), items))
        with signed_in(door, "rita") as client:
            for path in ("/inbox", "/inbox?queue=suggestions", "/inbox?queue=suggestions&label=card_arrival",
                         "/inbox?age=15m", "/work", "/overview", "/labels", "/tickets/race_0500"):  # fmt: skip
                print(f"{path:48} {timed(lambda path=path: client.get(path).raise_for_status())}")
            pages = [client.get("/work").text]
            taken: list[float] = []
            for _ in range(ROUNDS):
                begun = perf_counter()
                approve(client, pages[-1])
                taken.append((perf_counter() - begun) * 1000)
                pages.append(client.get("/work").text)
            cuts = quantiles(taken, n=100)
            print(f"{'approve':48} p50 {cuts[49]:6.1f} ms  p95 {cuts[94]:6.1f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
