"""The workers as their heartbeats show them, and which of them has fallen silent."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fallbacks.store import keys
from fallbacks.store.port import Store


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker process that has not left. seen_seconds: since its last heartbeat.

    silent: for longer than a lease, so that others take its tickets: it is frozen, cut off from the store, or killed.
    doing: the tickets it has held longest, by its last heartbeat. version: of its code, "" where it does not say.
    history_room: bytes free and in all of the disk that history is on, where it is a file.
    models: tier -> the version that it works with, and of what it is made. starting: it takes no work yet, since it
    trains its local model first.
    """

    worker: str
    queues: tuple[str, ...]
    slots: int
    busy: int
    draining: bool
    seen_seconds: float
    silent: bool
    host: str = ""
    pid: int = 0
    version: str = ""
    doing: tuple[str, ...] = ()
    history_room: tuple[int, int] | None = None
    models: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    starting: bool = False


def least_room(workers: Iterable[Worker]) -> tuple[int, int] | None:
    """Of those that are there and have history on a disk, the one whose disk is fullest; None where none does."""
    rooms = (worker.history_room for worker in workers if not worker.silent)
    return min((room for room in rooms if room), key=lambda room: room[0] / max(1, room[1]), default=None)


async def at_work(store: Store, workers: Iterable[Worker]) -> dict[str, list[str]]:
    """The versions of each tier that live workers work with; where none lives, what the last one that started did."""
    versions = dict[str, list[str]]()
    for tier, made in (pair for worker in workers if not worker.silent for pair in worker.models.items()):
        versions[tier] = sorted({*versions.get(tier, []), made["version"]})
    if versions:
        return versions
    return {tier: [json.loads(each)["version"]] for tier, each in (await store.fields(keys.PROMISES)).items()}


async def fleet(store: Store, lease_seconds: float) -> list[Worker]:
    """Workers that have not left, by name, for an hour after they were last seen. One read."""
    now = await store.now_ms()
    beats = {name: json.loads(beat) for name, beat in (await store.fields(keys.WORKERS)).items()}
    return [_worker(name, beat, now, lease_seconds) for name, beat in sorted(beats.items())]


def _worker(name: str, beat: dict[str, Any], now_ms: int, lease_seconds: float) -> Worker:
    seen = max(0.0, (now_ms - beat["at"]) / 1000)
    return Worker(
        worker=name,
        queues=tuple(beat["queues"]),
        slots=beat["slots"],
        busy=beat.get("busy", 0),
        draining=beat.get("draining", False),
        seen_seconds=seen,
        silent=seen > lease_seconds,
        host=beat.get("host", ""),
        pid=beat.get("pid", 0),
        version=beat.get("version", ""),
        doing=tuple(beat.get("doing", ())),
        models=beat.get("models", {}),
        starting=beat.get("starting", False),
        history_room=tuple(room) if (room := beat.get("history_room")) else None,
    )
