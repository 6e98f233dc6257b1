"""Log lines of one fault are few, and say how many there were."""

import logging

from redis.exceptions import ConnectionError as RedisConnectionError

from worker.telemetry.logs import FIRST_LINES, SPELL_SECONDS, Repeats


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def record(message: str, *args: object, level: int = logging.WARNING, name: str = "worker") -> logging.LogRecord:
    return logging.LogRecord(name, level, "", 0, message, args, None)


def test_the_first_lines_of_a_fault_are_written_and_then_one_a_minute_with_their_count() -> None:
    clock = Clock()
    repeats = Repeats(clock)
    written = [repeats.filter(record("store unreachable: %s", number)) for number in range(100)]
    assert sum(written) == FIRST_LINES
    clock.now = SPELL_SECONDS + 1
    last = record("store unreachable: %s", 100)
    assert repeats.filter(last)
    assert last.getMessage() == f"store unreachable: 100 (and {100 - FIRST_LINES} more like it in 61 s)"
    assert not repeats.filter(record("store unreachable: %s", 101))


def test_other_faults_and_lines_of_information_are_not_held_back() -> None:
    repeats = Repeats(Clock())
    assert all(repeats.filter(record(f"fault {number}")) for number in range(20))
    assert all(repeats.filter(record("accepted", level=logging.INFO)) for _ in range(20))


def test_a_lost_connection_is_one_line_and_a_fault_of_ours_keeps_its_traceback() -> None:
    repeats = Repeats(Clock())
    lost, ours = record("a round failed"), record("a round failed")
    lost.exc_info = (RedisConnectionError, RedisConnectionError("refused"), None)
    ours.exc_info = (ValueError, ValueError("of ours"), None)
    assert repeats.filter(lost)
    assert repeats.filter(ours)
    assert (lost.exc_info, lost.getMessage()) == (None, "a round failed: ConnectionError: refused")
    assert ours.exc_info is not None
