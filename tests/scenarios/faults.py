"""What sets off each alert rule, brought about at a real deployment. Each goes on while its block lasts."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from time import monotonic
from typing import Any

import httpx
from redis import Redis

from tests.scenarios.scenarios import left_alone, two_workers, usual
from tests.scenarios.stage import Stage
from tests.services.http_sink import Answer, HttpSink
from tests.services.process import program
from tests.services.replicated import Replicated
from tests.services.small_disk import SmallDisk
from tests.services.valkey import ValkeyServer

MEGABYTE = 2**20
OF_A_DAY = 75
"""Seconds that stand for the day before: what is an hour in the rules is a minute here."""


def send(stage: Stage, count: int, **fields: Any) -> None:
    """So many tickets at once."""
    with httpx.Client(base_url=stage.web.url, timeout=60) as client:
        for first in range(0, count, 100):
            several = [
                {"source": "night", "subject": "", "body": f"where is card {first + n}", **fields}
                for n in range(min(100, count - first))
            ]
            client.post("/v1/tickets/batch", json=several).raise_for_status()


# workers
@contextmanager
def hangs(stage: Stage) -> Iterator[None]:
    """The hand-off worker, while one customer's tickets all end with people."""
    stage.work("w1")
    stage.model.fault("prompt_too_long")
    os.kill(stage.workers["handoff"].pid, signal.SIGSTOP)
    with stage.traffic(10, requester={"id": "loop-bot"}):
        yield


@contextmanager
def nobody(stage: Stage) -> Iterator[None]:
    """No worker at all, something is held, and a producer sends past the API."""
    stage.workers["handoff"].stop()
    stage.deskhand("pause", "--queue", "handoff")
    send(stage, 30)
    with stage.store.client() as redis:
        redis.lpush("intake", '{"source": "night", "subject": "", "body": "past the API"}')
    yield


@contextmanager
def killed_in_the_middle(stage: Stage) -> Iterator[None]:
    """A worker with tickets in its hands; another is there to take them over."""
    two_workers(stage)
    stage.model.fault("slow", seconds=20)
    with stage.traffic(20):
        stage.until(lambda: stage.counts()["running"] > 20, "tickets in hand")
        stage.workers["w2"].kill9()
        yield


@contextmanager
def few_slots(stage: Stage) -> Iterator[None]:
    """Two, for more than they can work."""
    stage.model.faults.clear()
    stage.workers["w1"].stop()
    send(stage, 150)
    stage.work("w4", 2)
    with stage.traffic(5):
        yield


# tools
CALLS_THE_CUSTOMER = [
    [{"type": "tool_use", "name": "lookup_customer", "input": {}}],
    [{"type": "text", "text": "I do not know"}],
]


@contextmanager
def asked_tool(stage: Stage) -> Iterator[HttpSink]:
    """A worker whose model asks for one tool, and the directory behind it."""
    with HttpSink() as directory:
        directory.answer = Answer(404)
        stage.model.fault("script", script=CALLS_THE_CUSTOMER)
        stage.work("w1", CUSTOMERS_URL=directory.url)
        with stage.traffic(5):
            yield directory


@contextmanager
def tool_slows(stage: Stage) -> Iterator[None]:
    """The directory takes ten times as long as in the minutes before; and nobody asks for the other tools."""
    with asked_tool(stage) as directory:
        began = monotonic()
        stage.until(lambda: monotonic() - began > OF_A_DAY, "what is usual")
        directory.answer = Answer(404, delay_seconds=1.8)
        yield


@contextmanager
def tool_fails(stage: Stage) -> Iterator[None]:
    """The directory answers that it cannot."""
    stage.workers["w1"].stop()
    with asked_tool(stage) as directory:
        directory.answer = Answer(500)
        yield


# model and money
@contextmanager
def bills_more(stage: Stage) -> Iterator[None]:
    """Ten times the tokens that the call was allowed."""
    usage = {"input_tokens": 50_000, "output_tokens": 90_000}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-5-5", "usage": usage}
    message |= {"content": [{"type": "text", "text": "?"}], "stop_reason": "end_turn", "stop_sequence": None}
    with HttpSink() as dearer:
        dearer.answer = Answer(200, json.dumps(message).encode())
        stage.work("w1", model=dearer.url)
        send(stage, 3)
        yield
        stage.workers["w1"].stop()


@contextmanager
def nearly_spent(stage: Stage) -> Iterator[None]:
    stage.work("w2")
    stage.a_day_passes(15)
    spent = float(stage.deskhand("budget")["spent_usd_today"])
    stage.deskhand("budget", "--day", f"{spent * 1.05:.6f}")
    yield


@contextmanager
def one_source_nearly_spent(stage: Stage) -> Iterator[None]:
    def so_far(budget: str = "1000") -> float:
        return float(stage.deskhand("budget", "--source", "dear", "--day", budget)["budgets"][0]["spent_usd"])

    stage.work("w3")
    with stage.traffic(6, source="dear"):
        stage.until(lambda: so_far() > 0, "something spent by the source")
    so_far(f"{so_far() * 1.05:.9f}")
    yield
    stage.deskhand("budget", "--source", "dear", "--day", "none")


@contextmanager
def spent(stage: Stage) -> Iterator[None]:
    with stage.traffic(10):
        yield
    stage.deskhand("budget", "--day", "none")


@contextmanager
def refused_for_its_key(stage: Stage) -> Iterator[None]:
    stage.model.fault("401")
    with stage.traffic(5):
        yield


# receivers
@contextmanager
def no_receiver(stage: Stage) -> Iterator[None]:
    """Neither outcomes nor alerts arrive; the agent is switched off, so that each ticket has one of both."""
    stage.upstream.answer = Answer(500)
    stage.work("w1")
    stage.deskhand("autonomy", "off")
    send(stage, 1100)
    yield


@contextmanager
def nine_tries_behind(stage: Stage) -> Iterator[None]:
    """Three days of tries have passed for one outcome."""
    with stage.store.client() as redis:
        (first, *_) = redis.zrange("deskhand:outbox", 0, 0)
        redis.hset(f"deskhand:out:{first}", "attempts", 9)
        redis.zadd("deskhand:outbox", {first: 1})
    yield


@contextmanager
def gone(stage: Stage) -> Iterator[None]:
    stage.upstream.answer = Answer(410)
    stage.deskhand("webhooks", "redeliver", "--all")
    yield


@contextmanager
def set_apart(stage: Stage) -> Iterator[None]:
    """The hand-off worker lacks the receiver that the others have."""
    stage.workers["handoff"].stop()
    environ = stage.workers["handoff"].settings
    for name in ("WEBHOOK_URL", "WEBHOOK_SECRET"):
        environ.pop(name, None)
    stage.workers["handoff"].start()
    stage.work("w1")
    stage.model.fault("prompt_too_long")
    send(stage, 5)
    yield


# people
@contextmanager
def disagreement(stage: Stage) -> Iterator[None]:
    """Suggestions stand for a day, and then no longer."""
    usual(stage)
    judge(stage, 30, agrees=True)
    began = monotonic()
    stage.until(lambda: monotonic() - began > 45, "the day after")
    judge(stage, 30, agrees=False)
    yield


def judge(stage: Stage, count: int, *, agrees: bool) -> None:
    """By the API: let suggestions stand, or decide otherwise. One that is shown blind is decided by hand either way."""
    with httpx.Client(base_url=stage.web.url, timeout=60) as client:
        for _ in range(count):
            taken = client.post("/v1/inbox/next", json={"person": "ann", "queue": "suggestions"})
            item = taken.raise_for_status().json()
            body = {"person": "ann", "version": item["version"]}
            suggested = item["decision"] and item["decision"]["label"]
            if not (agrees and suggested):
                body["label"] = "card_arrival" if suggested != "card_arrival" else "lost_or_stolen_card"
            act = "edit" if "label" in body else "approve"
            client.post(f"/v1/inbox/{item['id']}/{act}", json=body).raise_for_status()


waits_for_hours = left_alone


# the store
class SlowDisk(ValkeyServer):
    """Each time it syncs its file that takes three seconds, while it is traced so."""

    def slow(self) -> list[str]:
        """The command that makes it so."""
        fault = ["-e", "trace=fdatasync", "-e", "inject=fdatasync:delay_enter=3000000"]
        return [program("strace", package="strace"), "-f", "-qq", "-o", "/dev/null", *fault, "-p", str(self.pid)]


def configure(stage: Stage, **settings: object) -> dict[str, str]:
    """Set it at run time; what it was before."""
    with stage.store.client() as redis:
        names = {name.replace("_", "-"): str(value) for name, value in settings.items()}
        before = {name: redis.config_get(name)[name] for name in names}
        for name, value in names.items():
            redis.config_set(name, value)
    return before


@contextmanager
def configured(stage: Stage, **settings: object) -> Iterator[None]:
    before = configure(stage, **settings)
    try:
        yield
    finally:
        configure(stage, **before)


@contextmanager
def unbounded_and_rewriting(stage: Stage) -> Iterator[None]:
    """No maxmemory; and a rewrite that takes a tenth of a second for each of a thousand keys."""
    with configured(stage, maxmemory=0, rdb_key_save_delay=100_000), stage.store.client() as redis:
        redis.mset({f"junk:{n}": n for n in range(1000)})
        redis.bgrewriteaof()
        yield
        redis.delete(*(f"junk:{n}" for n in range(1000)))


@contextmanager
def forgets(stage: Stage) -> Iterator[None]:
    with configured(stage, appendonly="no"):
        yield


@contextmanager
def crowded(stage: Stage) -> Iterator[None]:
    with stage.store.client() as redis, ExitStack() as stack:
        most = int(redis.info("clients")["connected_clients"]) + 60
        stack.enter_context(configured(stage, maxclients=most))
        for _ in range(48):
            stack.enter_context(Redis.from_url(stage.store.url)).ping()
        yield


@contextmanager
def full(stage: Stage) -> Iterator[None]:
    with stage.store.client() as redis:
        used = int(redis.info("memory")["used_memory"])
    with configured(stage, maxmemory=int(used * 1.15)):
        yield


@contextmanager
def history_is_another(stage: Stage) -> Iterator[None]:
    """As for a process that cannot reach the deployment's."""
    with stage.store.client() as redis:
        kept = redis.hgetall("deskhand:history")
        redis.hset("deskhand:history", "identity", '{"at":1,"id":"another"}')
        yield
        redis.delete("deskhand:history")
        if kept:
            redis.hset("deskhand:history", mapping=kept)


@contextmanager
def one_stays(stage: Stage) -> Iterator[None]:
    """A ticket that ended long ago and cannot be read."""
    with stage.store.client() as redis:
        redis.zadd("deskhand:s:closed", {"stays": 1})
        yield
        redis.zrem("deskhand:s:closed", "stays")


@contextmanager
def slow_disk(stage: Stage) -> Iterator[None]:
    assert isinstance(stage.store, SlowDisk)
    with subprocess.Popen(stage.store.slow()) as tracer, stage.traffic(10):
        try:
            yield
        finally:
            tracer.terminate()


@contextmanager
def replica_behind_and_lost(stage: Stage) -> Iterator[None]:
    """One that has stopped reading while 120 MB are written, and is then taken away."""
    with ExitStack() as stack:
        stack.enter_context(configured(stage, maxmemory=0, client_output_buffer_limit="replica 0 0 0"))
        replica = stack.enter_context(ValkeyServer(stage.folder / "replica"))
        stack.enter_context(Replicated.of(stage.store, replica))
        stage.until(lambda: stage.prometheus.query("deskhand_store_replicas == 1"), "a scrape that sees the replica")
        replica.pause()
        with stage.store.client() as redis:
            for _ in range(120):
                redis.set("junk", "x" * MEGABYTE)
            redis.delete("junk")
        yield


@contextmanager
def replica_lost(stage: Stage) -> Iterator[None]:
    """One that was there."""
    with ValkeyServer(stage.folder / "other") as replica, Replicated.of(stage.store, replica):
        stage.until(lambda: stage.prometheus.query("deskhand_store_replicas == 1"), "a scrape that sees the replica")
        replica.kill9()
        yield


@contextmanager
def no_room(stage: Stage) -> Iterator[None]:
    """On the disk of history, and on the store's, which lies on a small one of its own."""
    with SmallDisk(stage.folder / "history", 8) as disk:
        (disk.path / "others").write_bytes(b"x" * int(7.5 * MEGABYTE))
        stage.work("handoff2", 1, HISTORY_URL=f"sqlite://{disk.path}/history.sqlite")
        filler = stage.store.folder / "filler"
        room = os.statvfs(stage.store.folder)
        filler.write_bytes(b"x" * max(0, int(room.f_bavail * room.f_frsize - 0.08 * room.f_blocks * room.f_frsize)))
        yield
        filler.unlink()
        stage.workers.pop("handoff2").stop()


@contextmanager
def silent(stage: Stage) -> Iterator[None]:
    stage.store.pause()
    try:
        yield
    finally:
        stage.store.resume()


@contextmanager
def unreachable(stage: Stage) -> Iterator[None]:
    stage.web.kill9()
    yield
