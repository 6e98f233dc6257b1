"""A campaign on a cluster: while tickets come a master and workers are killed and slots move; then all is counted."""

import asyncio
import subprocess
import sys
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from fallbacks.errors import StoreUnreachable
from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.states import State
from fallbacks.ledger.sums.audit import AuditReport, audit
from fallbacks.store import keys
from fallbacks.store.cluster.store import ClusterStore
from fallbacks.store.port import Store
from fallbacks.store.redis_opening import open_store
from tasks.run.limits import Limits
from tests.chaos.cluster_worker import CAPPED, STEPS, WORST, source_of
from tests.fallbacks.scene import TRIAGE, ticket
from tests.services.cluster import Cluster, Node
from tests.services.waiting import wait_for

AT_ONCE = 16
PATIENCE_SECONDS = 300.0


@dataclass(frozen=True)
class Found:
    """lost: tickets that are not decided. doubled: decided more than once. over: nanodollars beyond the cap of the day,
    or of a source.
    """

    report: AuditReport
    lost: int
    doubled: int
    over: int
    seconds: float
    cpu_ms: float

    @property
    def held(self) -> bool:
        """Whether nothing was lost, doubled or spent beyond the cap."""
        return self.report.balanced and not (self.lost or self.doubled or self.over)

    @property
    def words(self) -> str:
        exact = "exact" if self.report.balanced else f"not balanced: {self.report.problems[:5]}"
        return (
            f"lost {self.lost}, doubled {self.doubled}, over cap {self.over}, budget {exact}; "
            f"{self.seconds:.0f} s, server CPU {self.cpu_ms:.3f} ms a ticket"
        )


class Clustering:
    """faults: whether anything is killed or moved. replicas: of each master, one of which must have what counts."""

    def __init__(self, folder: Path, tickets: int, *, masters: int = 3, replicas: int = 1, faults: bool = True) -> None:
        self.cluster = Cluster(folder, masters, replicas)
        self.names, self.wait, self.faults = [f"t{n}" for n in range(tickets)], replicas, faults
        self.cap = tickets * STEPS * WORST * 2
        self.of_source = self.cap // 2 if faults else 0  # the cost of a cluster is measured without
        self._workers: list[subprocess.Popen[bytes]] = []

    async def run(self, workers: int = 2) -> Found:
        with ExitStack() as stack:
            stack.enter_context(self.cluster)
            stack.callback(self._end_workers)
            return await measured(self, self.cluster.url, self.cluster.nodes, workers)

    def start_worker(self, url: str) -> None:
        command = [
            sys.executable,
            "-m",
            "tests.chaos.cluster_worker",
            url,
            *map(str, (self.cap, self.of_source, self.wait)),
        ]
        self._workers.append(subprocess.Popen(command))

    def kill_worker(self) -> None:
        worker = self._workers.pop(0)
        worker.kill()
        worker.wait()

    def _end_workers(self) -> None:
        while self._workers:
            self.kill_worker()

    async def decided(self, store: Store, many: int) -> None:
        """Wait until so many are; those that are not within PATIENCE_SECONDS are found lost."""
        until, there = monotonic() + PATIENCE_SECONDS, 0
        while there < many and monotonic() < until:
            await asyncio.sleep(0.1)
            with suppress(StoreUnreachable):
                (there,) = await store.sizes([keys.in_state(State.DECIDED)])

    async def disturb(self, url: str) -> None:
        """Kill a master and a worker, move slots, let the master come back."""
        self.kill_worker()
        self.start_worker(url)
        victim, _, to = self.cluster.masters
        slot = next(slot for slot in range(16_384) if self.cluster.serving(slot) is victim)
        victim.kill9()
        promoted = "a replica has the slots of the master that died"
        await asyncio.to_thread(wait_for, lambda: self.cluster.serving(slot) is not victim, message=promoted)
        await asyncio.to_thread(self.cluster.wait_whole)
        store = open_store(url, "deskhand:")
        assert isinstance(store, ClusterStore)
        shards = (await store.opened()).parts.shards
        await store.aclose()
        source = self.cluster.masters[1]
        for slot in [one.slot for one in shards if self.cluster.serving(one.slot) is source][:5]:
            await asyncio.to_thread(self.cluster.move_slot, slot, to)
        self.kill_worker()
        self.start_worker(url)
        await asyncio.to_thread(victim.start)


async def measured(campaign: Clustering, url: str, nodes: list[Node], workers: int) -> Found:
    store = open_store(url, "deskhand:", campaign.wait)
    ledger, waiting = Ledger(store, TRIAGE), asyncio.Queue[str]()
    before, began = _cpu(nodes), monotonic()
    for name in campaign.names:
        waiting.put_nowait(name)

    async def send() -> None:
        while not waiting.empty():
            name = waiting.get_nowait()
            try:
                who = {"id": f"r{int(name[1:]) % 50}"}
                await ledger.accept(ticket(name, source=source_of(name), requester=who), Limits())
            except StoreUnreachable:  # who is not answered sends again
                waiting.put_nowait(name)

    for _ in range(workers):
        campaign.start_worker(url)
    sending = asyncio.gather(*(send() for _ in range(AT_ONCE)))
    if campaign.faults:
        await campaign.decided(store, 1)
        await campaign.disturb(url)
    await sending
    await campaign.decided(store, len(campaign.names))
    seconds, cpu = monotonic() - began, (_cpu(nodes) - before) * 1000 / len(campaign.names)
    report = await audit(store)
    journals = [await store.journal(name) for name in campaign.names]
    decided = [sum('"type":"decided"' in line for line in journal) for journal in journals]
    found = Found(
        report,
        lost=decided.count(0),
        doubled=sum(count > 1 for count in decided),
        over=max(0, report.spent + report.reserved - campaign.cap, await _beyond(store, campaign.of_source)),
        seconds=seconds,
        cpu_ms=cpu,
    )
    await store.aclose()
    return found


async def _beyond(store: Store, cap: int) -> int:
    """What the capped source has used of this day beyond its cap."""
    day = await store.fields(keys.day(str(await store.now_ms() // 86_400_000)))
    used = sum(int(day.get(f"{what}|{CAPPED}", 0)) for what in ("spent", "reserved"))
    return used - cap if cap else 0


def _cpu(nodes: list[Node]) -> float:
    """Seconds that the servers have used; those that ended count no more."""
    ticks = 0
    for node in nodes:
        fields = Path(f"/proc/{node.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / 100
