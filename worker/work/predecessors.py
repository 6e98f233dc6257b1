"""Processes of this machine that were killed: what they held need not wait until its lease is over."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fallbacks.ledger.ledger import Ledger
from fallbacks.store import keys

_PLACE = ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid", "/proc/self/ns/time")


@dataclass(frozen=True, slots=True)
class RunningProcess:
    """One process of an operating system, told apart from every other.

    place: the boot and the namespaces in which its pid and its start are counted. started: clock ticks since the boot.
    """

    place: str
    pid: int
    started: str

    def has_ended(self) -> bool:
        """Whether it surely runs no more, as seen from this process. What runs elsewhere cannot be seen: False."""
        if self.place != _place():
            return False
        with suppress(PermissionError):
            try:
                os.kill(self.pid, 0)
            except ProcessLookupError:
                return True
        try:
            state, started = _looked_up(self.pid)
        except OSError:
            return False
        return state in ("Z", "X") or started != self.started


def this_process() -> RunningProcess | None:
    """This one. None where the system does not say enough: only Linux does."""
    try:
        return RunningProcess(_place(), os.getpid(), _looked_up(os.getpid())[1])
    except OSError:
        return None


def identity() -> dict[str, Any] | None:
    """`this_process` as a heartbeat carries it."""
    found = this_process()
    return asdict(found) if found else None


async def take_back(ledger: Ledger) -> frozenset[str]:
    """Make due what processes of this machine held that have ended. Returns the ids; the next sweep takes them back.

    For two leases after their last heartbeats: until then a claim of theirs may still arrive. Raises
    `StoreUnreachable`.
    """
    beats, now = await ledger.store.fields(keys.WORKERS), await ledger.store.now_ms()
    ended = _ended(beats, now - 2 * ledger.lease_ms) if this_process() else ()
    return frozenset([ticket_id for owner in ended for ticket_id in await ledger.take_back(owner)])


def _ended(beats: dict[str, str], since_ms: int) -> Iterator[str]:
    for owner, beat in beats.items():
        said = json.loads(beat)
        if said["at"] > since_ms and (process := said.get("process")) and RunningProcess(**process).has_ended():
            yield owner


def _place() -> str:
    boot, *namespaces = _PLACE
    return " ".join([Path(boot).read_text().strip(), *map(os.readlink, namespaces)])


def _looked_up(pid: int) -> tuple[str, str]:
    """Its state, a letter, and when it started."""
    after_name = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    return after_name[0], after_name[19]
