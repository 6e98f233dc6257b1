"""The move to history with a fleet: workers, a web process, the store and PostgreSQL, killed while tickets leave.

Tickets come in by HTTP, a model suggests, people approve by HTTP, outcomes go out by webhook and the workers' own
delivery loops take what has ended to history. Some are corrected when they have left, and leave again.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import monotonic

import httpx

from fallbacks.errors import StoreUnreachable
from fallbacks.ledger.states import State
from tests.chaos.fleet import Fleet, FleetLedger, WorkerProcess
from tests.chaos.left import Left, judge
from tests.chaos.web_door import WebDoor, another_label
from tests.services.http_sink import HttpSink
from tests.services.postgres import PostgresServer, open_folder
from tests.services.process import ServerProcess
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for
from tests.worker.http.test_process import SECRET, Serve
from worker.simulator import run_in_thread

ENGINES = ("sqlite", "postgres")
POINTS = (
    "after:leaving_read",
    "before:leaving_drop",
    "after:leaving_drop",
    "before:settle_outbox",
    "after:settle_outbox",
)
"""Of the move and of the delivery before it. Between the first two it writes to history."""

BATCH = 50
SIDE_BY_SIDE = 6
CORRECTED_SHARE = 20
REST_SECONDS = 600.0


@dataclass
class Storm:
    """Kills one thing after the other, each time at another moment of the move; what died is made anew."""

    fleet: Fleet
    servers: dict[str, ServerProcess]
    workers: int
    dice: Random
    kills: Counter[str] = field(default_factory=Counter)
    armed: dict[str, tuple[str, WorkerProcess]] = field(default_factory=dict)
    wrong: list[BaseException] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def raging(self) -> Iterator[None]:
        """Raises what went wrong with a server that did not come back."""
        thread = threading.Thread(target=self._rage, name="storm")
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()
            self._disarm()
        if self.wrong:
            raise self.wrong[0]

    def _rage(self) -> None:
        names = ["worker", "point", "point", *self.servers]
        try:
            while not self._over.is_set():
                for name in self.dice.sample(names, len(names)):
                    if self._over.wait(self.dice.uniform(0.2, 3)):
                        return
                    self._strike(name)
                    self._mend()
        except BaseException as error:
            self.wrong.append(error)

    def _strike(self, name: str) -> None:
        if name == "point":
            self._arm(self.dice.choice(POINTS))
        elif name == "worker":
            self.dice.choice([one for one in self.fleet.workers if one.alive()]).kill9()
            self.kills[name] += 1
        else:
            self.servers[name].kill9()
            self.kills[name] += 1
            self._over.wait(self.dice.uniform(0, 2))
            started_again(self.servers[name])

    def _arm(self, point: str) -> None:
        """One more worker, which dies at the point."""
        if len(self.armed) < 2:
            worker = self.fleet.start(CRASH_AT=point, CRASH_HIT=str(self.dice.randint(1, 3)))
            self.armed[worker.name] = point, worker

    def _mend(self) -> None:
        for name, (point, worker) in list(self.armed.items()):
            if not worker.alive():
                del self.armed[name]
                self.kills[point] += 1
        plain = [one for one in self.fleet.workers if one.alive() and one.name not in self.armed]
        for _ in range(self.workers - len(plain)):
            self.fleet.start()

    def _disarm(self) -> None:
        self._mend()
        for _, worker in self.armed.values():
            worker.kill9()


@dataclass
class Departing:
    """engine: of history. Everything is in `folder`, but for PostgreSQL's data."""

    folder: Path
    engine: str
    tickets: int
    seed: int
    workers: int = 2
    report: Callable[[str], object] = lambda _: None

    def run(self) -> Left:
        began, dice = monotonic(), Random(self.seed)
        with ExitStack() as stack:
            self._build(stack, dice)
            ids = [f"t{number}" for number in range(self.tickets)]
            corrected = dice.sample(ids, max(3, self.tickets // CORRECTED_SHARE))
            with self.storm.raging():
                self._live(ids)
                self.report(f"{monotonic() - began:6.1f} s  all decided; {len(corrected)} are corrected once they left")
                self._each(self._correct, corrected)
            self.report(f"{monotonic() - began:6.1f} s  healed; waiting until all have left")
            self._rest()
            left = Left(self.engine, self.seed, self.tickets, len(corrected), dict(self.storm.kills))
            left.found = judge(self.ledger, self.door, self.sink, ids, set(corrected))
            left.seconds = monotonic() - began
            return left

    def _build(self, stack: ExitStack, dice: Random) -> None:
        store = stack.enter_context(ValkeyServer(self.folder / "valkey"))
        servers: dict[str, ServerProcess] = {"store": store}
        self.sink = stack.enter_context(HttpSink())
        settings = {
            "WEBHOOK_URL": self.sink.url,
            "WEBHOOK_SECRET": SECRET,
            "WEBHOOK_ALLOW_PRIVATE": "true",
            "MAX_WORKER_LOSSES": "1000",
            "HISTORY_URL": f"sqlite://{self.folder}/history.sqlite",
        }
        if self.engine == "postgres":
            postgres = PostgresServer(Path(stack.enter_context(open_folder())), durable=True)
            servers["postgres"] = stack.enter_context(postgres)
            settings["HISTORY_URL"] = postgres.fresh()
        model = stack.enter_context(run_in_thread(latency="0.02", seed=self.seed)).url
        deskhand = {f"DESKHAND_{name}": value for name, value in settings.items()}
        fleet = stack.enter_context(Fleet(self.folder / "fleet", store.url, ANTHROPIC_BASE_URL=model, **deskhand))
        web = Serve(self.folder / "web", store.url, HOME=str(fleet.folder), **settings)
        servers["web"] = stack.enter_context(web)
        self.door = WebDoor(web.url)
        stack.callback(self.door.close)
        self.ledger = stack.enter_context(FleetLedger(fleet))
        fleet.ready(*[fleet.start() for _ in range(self.workers)], timeout=600)
        self.storm = Storm(fleet, servers, self.workers, dice)

    def _live(self, ids: list[str]) -> None:
        """A batch comes in while the one before is decided."""
        self._each(self._accept, ids[:BATCH])
        for start in range(BATCH, len(ids) + BATCH, BATCH):
            self._each(self._accept, ids[start : start + BATCH])
            self._each(self._decide, ids[start - BATCH : start])
            self.report(f"{min(start, len(ids))} decided, {self.storm.kills.total()} killed")

    def _each(self, act: Callable[[str], bool], ids: list[str]) -> None:
        """Of each until it is done, over servers that come and go."""

        def done(ticket_id: str) -> bool:
            with suppress(httpx.HTTPError):
                return act(ticket_id)
            return False

        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            acts = [pool.submit(wait_for, lambda one=one: done(one), REST_SECONDS, one, 0.1) for one in ids]  # type: ignore[misc]
            try:
                for one in acts:
                    one.result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _accept(self, ticket_id: str) -> bool:
        self.door.accept(ticket_id)
        return True

    def _decide(self, ticket_id: str) -> bool:
        view = self.door.ticket(ticket_id)
        if view["state"] == State.SUGGESTED and view["decision"]:  # one that is shown
            self.door.act(f"/v1/inbox/{ticket_id}/approve", view)
        elif view["state"] in (State.SUGGESTED, State.HANDED_OFF):
            self.door.act(f"/v1/inbox/{ticket_id}/edit", view, label=another_label(view))
        return view["state"] == State.DECIDED

    def _correct(self, ticket_id: str) -> bool:
        """Only once it has left."""
        view = self.door.ticket(ticket_id)
        if view["earlier_decision"]:
            return True
        with suppress(StoreUnreachable):
            if not self.ledger.loop.run(self.ledger.parts.store.row(ticket_id)):
                path, label = f"/v1/tickets/{ticket_id}/correct", another_label(view)
                self.door.act(path, view, label=label, reason="an ATM took it")
        return False

    def _rest(self) -> None:
        """Until nothing that ended is in the store, or it takes too long: then the verdict says what is there."""

        def left() -> bool:
            with suppress(StoreUnreachable):
                return not self.ledger.loop.run(self.ledger.parts.views.stats()).ended_here
            return False

        with suppress(AssertionError):
            wait_for(left, REST_SECONDS, "all to leave", 0.5)


def started_again(server: ServerProcess) -> None:
    """PostgreSQL does not start while a child of the killed one lives."""

    def starts() -> bool:
        with suppress(RuntimeError):
            server.start()
            return True
        return False

    wait_for(starts, message=f"{type(server).__name__} to come back", interval=0.2)
