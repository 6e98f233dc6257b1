"""A process that was killed is told from one that only stands still, and from another with its number."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from fallbacks.store import keys
from tests.fakes.memory_store import MemoryStore
from tests.fallbacks.scene import Scene
from tests.services.waiting import wait_for
from worker.work.predecessors import RunningProcess, take_back, this_process

SAYS_ITSELF = """
import sys
from dataclasses import astuple
from worker.work.predecessors import this_process
print(*astuple(this_process()), sep="|", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def other() -> Iterator[tuple[subprocess.Popen[str], RunningProcess]]:
    """Another process of this machine, and how it names itself."""
    with subprocess.Popen(
        [sys.executable, "-c", SAYS_ITSELF], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        place, pid, started = process.stdout.readline().strip().split("|")
        yield process, RunningProcess(place, int(pid), started)
        process.kill()


def test_only_what_is_gone_for_ever_has_ended(other: tuple[subprocess.Popen[str], RunningProcess]) -> None:
    process, named = other
    own = this_process()
    assert own
    assert not own.has_ended()
    assert not named.has_ended()
    process.send_signal(signal.SIGSTOP)
    assert not named.has_ended(), "it may go on at any time"
    assert replace(named, started="1").has_ended(), "its number has passed to another process"
    elsewhere = replace(named, place=named.place.replace("pid:[", "pid:[9"))
    assert not elsewhere.has_ended()
    process.kill()
    wait_for(named.has_ended, message="a killed process that nobody has taken note of yet")
    process.wait()
    assert named.has_ended()
    assert not replace(named, place=elsewhere.place).has_ended(), "another container's processes cannot be seen"


def test_what_a_killed_process_held_is_swept_at_once_and_counts_as_lost() -> None:
    async def story() -> None:
        s, here = Scene(MemoryStore()), this_process()
        assert here
        ended = {"place": here.place, "pid": here.pid, "started": "1"}
        beats = {
            "killed": ended,
            "alive": {**ended, "started": here.started},
            "elsewhere": {**ended, "place": "another"},
            "before": None,
        }
        for owner, process in beats.items():
            await s.running(owner, owner)
            beat = {"at": await s.store.now_ms(), "process": process} if process else {"at": await s.store.now_ms()}
            await s.store.put(keys.WORKERS, {owner: json.dumps(beat)})
        assert await s.sweep() == []
        assert await take_back(s.ledger) == {"killed"}
        assert await s.sweep() == [("triage", "killed")]
        assert (await s.store.row("killed"))["losses"] == "1"
        assert await take_back(s.ledger) == frozenset()
        await s.claim("killed", "killed")  # was on its way when the process ended
        assert await take_back(s.ledger) == {"killed"}
        await s.pass_ms(2 * s.ledger.lease_ms)
        assert await take_back(s.ledger) == frozenset()

    asyncio.run(story())
