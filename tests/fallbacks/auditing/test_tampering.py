"""Whatever is done to a journal for auditors, it is found, and the line is named."""

import asyncio
import random
from collections.abc import Callable, Iterator

import pytest

from fallbacks.auditing.export import export_journal
from fallbacks.auditing.lines import finished, line_hash, read_line, sealed_part
from fallbacks.auditing.verify import Verdict, verify
from fallbacks.history.ed25519_seals import Ed25519Sealer, sealed_by
from fallbacks.ledger.ledger import Ledger
from fallbacks.ledger.limits.control import Control
from fallbacks.store.port import Store
from tasks.run.limits import Limits
from tests.fakes.desk import TRIAGE
from tests.fakes.memory_store import MemoryStore
from tests.worker.cli.direct_ledger import claimed, suggest, ticket

SEALER, THIEF = Ed25519Sealer(bytes(range(32))), Ed25519Sealer(bytes(32))
EACH = 40
"""Times that each kind of tampering is tried in the suite; the module's `__main__` tries 1,000."""

Lines = list[bytes]


async def exported(store: Store) -> Lines:
    """A journal of tickets at different points of their life, with switches and sign-ins."""
    ledger, control, lines = Ledger(store, TRIAGE), Control(store), Lines()
    for number in range(6):
        await ledger.accept(ticket(f"queued-{number}", f"where is card {number}? ключ"), Limits())
        await suggest(ledger, await claimed(ledger, f"suggested-{number}"))
    await control.change("ann", {"autonomy": "off"})
    await control.signed("bob", "refused", "127.0.0.1")
    await export_journal(store, None, SEALER, lines.append, {"deployment": "test"})
    return lines


@pytest.fixture(scope="module")
def lines() -> Lines:
    return asyncio.run(exported(MemoryStore()))


def checked(lines: Lines, key: str = SEALER.public) -> Verdict:
    return verify(lines, [key], sealed_by)


def edited(lines: Lines, rng: random.Random) -> tuple[Lines, int]:
    """One byte of one line is another one, or one more, or one less."""
    at = rng.randrange(len(lines))
    line, place = bytearray(lines[at]), rng.randrange(len(lines[at]) - 1)
    match rng.randrange(3):
        case 0:
            line[place] ^= rng.randrange(1, 256)
        case 1:
            line.insert(place, rng.randrange(256))
        case _:
            del line[place]
    return b"".join([*lines[:at], bytes(line), *lines[at + 1 :]]).splitlines(keepends=True), at + 1


def deleted(lines: Lines, rng: random.Random) -> tuple[Lines, int]:
    at = rng.randrange(len(lines))
    return [*lines[:at], *lines[at + 1 :]], min(at + 1, len(lines) - 1)  # without the trailer, the last line is named


def inserted(lines: Lines, rng: random.Random) -> tuple[Lines, int]:
    """A line of the file once more, somewhere else or right behind itself."""
    at = rng.randrange(len(lines) + 1)
    return [*lines[:at], rng.choice(lines), *lines[at:]], at + 1


def reordered(lines: Lines, rng: random.Random) -> tuple[Lines, int]:
    first, second = sorted(rng.sample(range(len(lines)), 2))
    swapped = list(lines)
    swapped[first], swapped[second] = lines[second], lines[first]
    return swapped, first + 1


TAMPERINGS: tuple[Callable[[Lines, random.Random], tuple[Lines, int]], ...] = (edited, deleted, inserted, reordered)


def found(lines: Lines, count: int, seed: int = 18) -> Iterator[tuple[str, int, int]]:
    """(kind of tampering, times it was found, times the first line that is named is the one)."""
    for tamper in TAMPERINGS:
        rng, seen, named = random.Random(seed), 0, 0
        for _ in range(count):
            changed, line = tamper(lines, rng)
            faults = checked(changed).faults
            seen += bool(faults)
            named += bool(faults) and faults[0][0] in (line, line + (tamper is inserted))  # before itself, it is second
        yield tamper.__name__, seen, named


def test_what_was_written_is_sound(lines: Lines) -> None:
    verdict = checked(lines)
    assert verdict.faults == []
    assert (verdict.tickets, verdict.acts, verdict.erased, verdict.key) == (12, 2, 0, SEALER.public)
    assert verdict.events == sum(b'"kind":"event"' in line for line in lines)


def test_every_tampering_is_found_and_its_line_is_named(lines: Lines) -> None:
    assert list(found(lines, EACH)) == [(tamper.__name__, EACH, EACH) for tamper in TAMPERINGS]


def test_who_computes_every_hash_anew_lacks_the_key(lines: Lines) -> None:
    """Somebody edits an event and makes the whole file fit, with a key of their own."""
    forged, head = Lines(), ""
    for number, each in enumerate(lines, 1):
        line = read_line(each)
        assert line is not None
        body = line.body.replace(b"suggested-3", b"suggested-9")
        if number == len(lines):
            body = body.replace(SEALER.public.encode(), THIEF.public.encode()).replace(
                line.said["head"].encode(), head.encode()
            )
        head = line_hash(head, body)
        forged.append(finished(body, head, THIEF.seal(sealed_part(number - 1, head)) if number == len(lines) else ""))
    verdict = checked(forged)
    assert verdict.key is None
    assert verdict.faults[-1][0] == len(lines)
    assert "somebody else" in verdict.faults[-1][1]
    assert all("hash" not in what for _, what in verdict.faults)


def test_a_file_that_was_cut_says_so(lines: Lines) -> None:
    assert "without its trailer" in checked(lines[:-1]).faults[0][1]
    assert checked([]).faults
    assert checked([*lines[:-1], lines[-1][:-1]]).faults


if __name__ == "__main__":
    whole = asyncio.run(exported(MemoryStore()))
    for name, seen, named in found(whole, 1_000):
        print(f"{name}: {seen} of 1,000 found, the line named first in {named}")
