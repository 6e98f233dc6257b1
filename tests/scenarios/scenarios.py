"""Eight nights: each a fault, the alert that wakes, the command that names the cause, and the one that mends it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.scenarios.stage import ROOT, Stage
from tests.services.http_sink import Answer


@dataclass(frozen=True, slots=True)
class Scenario:
    """alerts: any of them is to wake somebody. finding: what `deskhand why` is to name.

    ready: before the fault. fault: brings it about, and goes on with it while the block lasts. mended: whether all is
    well again. mend: cures the cause and types the command; returns what was typed.
    """

    name: str
    alerts: tuple[str, ...]
    finding: str
    ready: Callable[[Stage], None]
    fault: Callable[[Stage], AbstractContextManager[None]]
    mend: Callable[[Stage, dict[str, Any]], str]
    mended: Callable[[Stage], bool]
    latency: str = "0.1"


def usual(stage: Stage) -> None:
    """A day like others."""
    stage.work("w1")
    stage.a_day_passes()


def settled(stage: Stage) -> bool:
    counts = stage.counts()
    return not counts["queued"] and not counts["running"] and not counts["parked"]


# 1: the queue grows
def few_slots(stage: Stage) -> None:
    stage.work("w1", 4)
    stage.a_day_passes(10)


@contextmanager
def more_than_is_worked(stage: Stage) -> Iterator[None]:
    with stage.traffic(40):
        yield


def more_workers(stage: Stage, _: dict[str, Any]) -> str:
    stage.work("w2", 128)
    return "deskhand worker --queues tickets"


# 2: everything is handed off for one reason
@contextmanager
def refused(stage: Stage) -> Iterator[None]:
    stage.model.fault("prompt_too_long")
    with stage.traffic(5):
        yield


def retried(stage: Stage, finding: dict[str, Any]) -> str:
    stage.model.faults.clear()
    reason = finding["act"].rpartition(" ")[2]
    stage.deskhand("retry", "--reason", reason, "--yes")
    return str(finding["act"])


def nobody_waits_for(reason: str) -> Callable[[Stage], bool]:
    def mended(stage: Stage) -> bool:
        with stage.store.client() as redis:
            return settled(stage) and not redis.zcard(f"deskhand:inbox:reason:{reason}")

    return mended


# 3: the cost doubles
@contextmanager
def dearer_model(stage: Stage) -> Iterator[None]:
    stage.workers["w1"].stop()
    stage.work("w2", MODEL="claude-sonnet-5-5")
    with stage.traffic(5):
        yield


def the_model_before(stage: Stage, _: dict[str, Any]) -> str:
    stage.workers["w2"].stop()
    stage.work("w3")
    return "DESKHAND_MODELS=claude-haiku-5-5 deskhand worker"


def on_the_model_before(stage: Stage) -> bool:
    with stage.store.client() as redis:
        return settled(stage) and "haiku" in str(redis.hget("deskhand:deployed", "deployed:models"))


# 4: a worker hangs
def two_workers(stage: Stage) -> None:
    stage.work("w1")
    stage.work("w2")
    stage.a_day_passes(10)


@contextmanager
def frozen(stage: Stage) -> Iterator[None]:
    with stage.traffic(5):
        os.kill(stage.workers["w2"].pid, signal.SIGSTOP)
        yield


def killed(stage: Stage, finding: dict[str, Any]) -> str:
    pid = int(finding["act"].split()[-1])
    assert pid == stage.workers["w2"].pid, "the one that hangs is the one that is named"
    os.kill(pid, signal.SIGKILL)
    stage.work("w3")
    return str(finding["act"])


# 5: webhooks fail
@contextmanager
def upstream_down(stage: Stage) -> Iterator[None]:
    stage.model.fault("prompt_too_long")
    stage.upstream.answer = Answer(500)
    with stage.traffic(5):
        yield


def delivered_again(stage: Stage, finding: dict[str, Any]) -> str:
    stage.upstream.answer = Answer(200)
    stage.deskhand("webhooks", "redeliver", "--all")
    return str(finding["act"])


def all_delivered(stage: Stage) -> bool:
    with stage.store.client() as redis:
        return settled(stage) and not redis.zcard("deskhand:outbox")


# 6: nobody drains the inbox
@contextmanager
def left_alone(stage: Stage) -> Iterator[None]:
    """Everything that waits for people has waited for five hours more than it may."""
    long = 9 * 3_600_000
    with stage.store.client() as redis:
        for index in ("inbox", "s:suggested", "s:handed_off"):
            for member, score in redis.zrange(f"deskhand:{index}", 0, -1, withscores=True):
                redis.zadd(f"deskhand:{index}", {member: float(score) - long})
    yield


def worked_through(stage: Stage, finding: dict[str, Any]) -> str:
    """By the API, as a person would at the keyboard, only faster."""
    with httpx.Client(base_url=stage.web.url, timeout=60) as client:
        while (taken := client.post("/v1/inbox/next", json={"person": "ann"})).status_code == 200:
            item = taken.json()
            body = {"person": "ann", "version": item["version"]}
            client.post(f"/v1/inbox/{item['id']}/approve", json=body).raise_for_status()
    return str(finding["act"])


def nothing_waits(stage: Stage) -> bool:
    return not stage.counts()["suggested"]


# 7: one customer floods
@contextmanager
def flood(stage: Stage) -> Iterator[None]:
    stage.deskhand("pause")  # so that there is something left to withdraw when the command is typed
    with stage.traffic(60, requester={"id": "loop-bot"}):
        yield


def withdrawn(stage: Stage, finding: dict[str, Any]) -> str:
    command = str(finding["act"]).replace("deskhand ", f"{sys.executable} -m worker.cli ")
    subprocess.run(command, shell=True, env=stage.environ(), cwd=ROOT, check=True, capture_output=True)  # noqa: S602
    stage.deskhand("unpause")
    return str(finding["act"])


# 8: a bad deploy
def a_longer_day(stage: Stage) -> None:
    stage.work("w1")
    stage.a_day_passes(100)


@contextmanager
def bad_deploy(stage: Stage) -> Iterator[None]:
    stage.workers["w1"].stop()
    stage.work("w2", version="v2", MIN_CONFIDENCE="1.0")
    with stage.traffic(8):
        yield


def rolled_back(stage: Stage, _: dict[str, Any]) -> str:
    stage.workers["w2"].stop()
    stage.work("w3", version="v1")
    stage.deskhand("retry", "--reason", "low_confidence", "--yes")
    return "the image before; deskhand retry --reason low_confidence"


SCENARIOS = (
    Scenario(
        "the queue grows",
        ("DeskhandOverloaded", "DeskhandQueueOld"),
        "backlog",
        few_slots,
        more_than_is_worked,
        more_workers,
        settled,
        latency="0.5",
    ),
    Scenario(
        "all handed off for one reason",
        ("DeskhandHandOffsOfOneReason",),
        "hand_offs",
        usual,
        refused,
        retried,
        nobody_waits_for("context_exceeded"),
    ),
    Scenario(
        "the cost doubles", ("DeskhandCostDoubled",), "cost", usual, dearer_model, the_model_before, on_the_model_before
    ),
    Scenario("a worker hangs", ("DeskhandWorkerFrozen",), "frozen_worker", two_workers, frozen, killed, settled),
    Scenario(
        "webhooks fail",
        ("DeskhandWebhooksFail",),
        "webhooks_fail",
        usual,
        upstream_down,
        delivered_again,
        all_delivered,
    ),
    Scenario(
        "nobody drains the inbox", ("DeskhandInboxOld",), "inbox_late", usual, left_alone, worked_through, nothing_waits
    ),
    Scenario("one customer floods", ("DeskhandRequesterFloods",), "flood", usual, flood, withdrawn, settled),
    Scenario(
        "a bad deploy",
        ("DeskhandBadDeploy",),
        "deploy",
        a_longer_day,
        bad_deploy,
        rolled_back,
        nobody_waits_for("low_confidence"),
    ),
)
