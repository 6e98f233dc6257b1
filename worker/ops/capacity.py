"""How many workers a load needs, whether one store carries it, and the cost: Little's law over measured constants.

The store's are of `python -m tests.bench.capacity` and `python -m tests.bench.cluster` (tables: docker/SCALING.md), of
2026-12-01, a quiet machine with 2 cores, Python 3.11, Valkey 9.1, appendonly. A worker's CPU is that of a ticket of 600
characters (tests/bench/README.md); its memory is of 2026-11-22, proportional set, with up to 1,000 tickets in flight.
"""

import math
import re
from dataclasses import dataclass

from tasks.money import FREE, Nanodollars
from tasks.run.messages import TokenUsage
from worker.config.settings import LOCAL
from worker.models.genai_pricing import Prices

WORKER_CPU_SECONDS = 0.006
"""Of one ticket in its worker: 4.4 to 6.2 ms with three model calls, the store's part included; cores that others use
as well take up to twice as long.
"""

WORKER_MEGABYTES = 128.0
SLOT_MEGABYTES = 0.08
"""A worker holds 128 MB when idle, 159 MB with 400 tickets in flight, 209 MB with 1,000."""

HANDOFF_MEGABYTES = 128.0

SLOTS_PER_PROCESS = 1000
"""As measured; beyond it one core is the limit."""

STORE_OPERATIONS = 206
"""Of one ticket from accept to rest, those inside the scripts included."""

STORE_CPU_SECONDS = 0.00086
"""Of one ticket in the thread that runs scripts: accepted, two calls, approved, reported, left."""

BROKER_CPU_SECONDS = 0.0001
"""Of one ticket, where the broker is a Redis."""

CLUSTER_TIMES = 1.3
"""What a ticket costs all masters of a cluster, for what it costs one server; 1.24 by `tests.bench.cluster`."""

FEWEST_MASTERS = 3
"""Of a cluster: a failover needs the word of most of them."""

IDLE_OPERATIONS = 12.0
"""A second, for each worker process: beats, sweeps, polling."""

TICKET_BYTES = 12_600
"""Of one ticket in the ledger with its whole journal, until it leaves for history."""

CALLS = 2
TYPICAL = TokenUsage(input_tokens=2000, output_tokens=150, cache_write_tokens=5, cache_read_tokens=7260)
"""Of one ticket, both calls together, with the sample's taxonomy and knowledge base."""

BUSY = 0.8
"""Share of the slots that may be busy on average; the autoscaler aims at the same. The rest absorbs bursts."""

CORE_BUSY = 0.7
"""Share of a core that one Python process should use on average."""

_DAY = 86_400
_PER = {"s": 1, "m": 60, "h": 3600, "d": _DAY}


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a load needs. rate: tickets a second. latency_seconds: how long one ticket holds a slot.

    memory_megabytes: workers and one hand-off worker. cores: of the workers. store_cores: of the thread that runs
    scripts; broker_cores: of a Redis broker's.
    day_cost / day_worst: nanodollars, typical and with every run at its cap; None where a price or cap is missing.
    """

    rate: float
    latency_seconds: float
    slots: int
    processes: int
    slots_per_process: int
    memory_megabytes: int
    cores: float
    store_operations: int
    store_cores: float
    broker_cores: float
    books_bytes_per_day: int
    day_cost: Nanodollars | None
    day_worst: Nanodollars | None

    @property
    def broker_apart(self) -> bool:
        """Whether one server cannot be store and broker."""
        return self.store_cores + self.broker_cores > CORE_BUSY

    @property
    def masters(self) -> int:
        """Of the cluster that this ledger needs; 1 where one server carries it. See docker/SCALING.md."""
        if self.store_cores <= CORE_BUSY:
            return 1
        return max(FEWEST_MASTERS, math.ceil(self.store_cores * CLUSTER_TIMES / CORE_BUSY))


def capacity(rate: float, latency_seconds: float, ticket_cost: int | None, run_cap: int | None) -> Capacity:
    """The need of a steady load. ticket_cost: of a typical ticket, None for unknown. run_cap: None for none."""
    slots = max(1, math.ceil(rate * latency_seconds / BUSY))
    cores = rate * WORKER_CPU_SECONDS
    processes = max(1, math.ceil(slots / SLOTS_PER_PROCESS), math.ceil(cores / CORE_BUSY))
    each = math.ceil(slots / processes)
    tickets_per_day = math.ceil(rate * _DAY)
    return Capacity(
        rate=rate,
        latency_seconds=latency_seconds,
        slots=each * processes,
        processes=processes,
        slots_per_process=each,
        memory_megabytes=math.ceil(processes * (WORKER_MEGABYTES + each * SLOT_MEGABYTES) + HANDOFF_MEGABYTES),
        cores=round(cores, 2),
        store_operations=math.ceil(rate * STORE_OPERATIONS + (processes + 1) * IDLE_OPERATIONS),
        store_cores=round(rate * STORE_CPU_SECONDS, 3),
        broker_cores=round(rate * BROKER_CPU_SECONDS, 3),
        books_bytes_per_day=tickets_per_day * TICKET_BYTES,
        day_cost=None if ticket_cost is None else Nanodollars(tickets_per_day * ticket_cost),
        day_worst=None if run_cap is None else Nanodollars(tickets_per_day * run_cap),
    )


def typical_cost(model: str, prices: Prices) -> Nanodollars:
    """Of one ticket on this model. Raises `ModelError(PRICE_UNKNOWN)`."""
    return FREE if model == LOCAL else prices.cost(model, TYPICAL)


def rate_of(text: str) -> float:
    """`50/s`, `3000/m`, `100/h` or `20000/d` as tickets a second; without a unit a second is meant."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:/\s*([smhd]))?", text.strip().lower())
    rate = float(match[1]) / _PER[match[2] or "s"] if match else 0.0
    if not rate:
        raise ValueError(f"{text!r} is not a rate: write 50/s, 3000/m, 100/h or 20000/d")
    return rate
