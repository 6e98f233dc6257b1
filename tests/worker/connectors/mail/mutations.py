"""Damaged mails, made from the handed ones: the same ones each time.

`python -m tests.worker.connectors.mail.mutations 20000` reads so many and prints what was found, and the slowest.
"""

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from time import process_time

from worker.connectors.errors import UnreadableMailError
from worker.connectors.mail.original import packed
from worker.connectors.mail.reading import read_mail

FOLDER = Path(__file__).parent / "cases"
MAX_BYTES = 200_000
"""Of a damaged mail. Those at the bound of what is read have tests of their own."""

TOKENS = tuple(
    rb"""\0 \x00\x00 \r \n\n \r\n\r\n \xef\xbb\xbf \xff\xfe \xed\xa0\x80 \xf0\x9f\x99 =?utf-8?b?/w==?= =?utf-16?q?=00?=
    =?x?q?=?= =?utf-7?q?+2D0-?= --b --b-- \nFrom\x20 \nFrom:\x20 \nSubject:\x20 \nContent-Type:\x20 \nDate:\x20-1
    multipart/mixed;boundary=b message/rfc822 text/html text/calendar application/ms-tnef image/png
    base64 quoted-printable x-uuencode charset=utf-16 charset=hz charset=utf-7 charset=idna charset=rot13
    <div> <div </head> <table><tr><td> <style> <!-- <![CDATA[ &#xD800; &#0; <blockquote> <a\x20href=" data:a/b,
    > >\x20 __ -- wrote: ; , < @ : \x20 \t ( ) \" \\ = == =\n +AAA- begin\x20644\x20x\n BEGIN:VCALENDAR\n""".decode()
    .encode("latin-1")
    .decode("unicode_escape")
    .encode("latin-1")
    .split()
)
"""What means something to a reader of mails, and what no reader should meet."""

Change = Callable[[random.Random, bytes], bytes]


@cache
def originals() -> tuple[bytes, ...]:
    """The handed mails, in the order of their names."""
    paths = sorted(path for path in FOLDER.rglob("*") if path.is_file() and path.suffix != ".json")
    return tuple(path.read_bytes() for path in paths)


def mutation(seed: int) -> bytes:
    """The damaged mail of this number."""
    dice = random.Random(seed)
    raw = dice.choice(originals())
    for _ in range(dice.randint(1, 6)):
        raw = dice.choice(CHANGES)(dice, raw)[:MAX_BYTES]
    return raw


def _cut(dice: random.Random, raw: bytes) -> tuple[int, int]:
    start = dice.randint(0, len(raw))
    return start, min(len(raw), start + dice.choice((1, 2, 8, 64, 1000)))


def _flip(dice: random.Random, raw: bytes) -> bytes:
    changed = bytearray(raw)
    for _ in range(min(len(changed), dice.choice((1, 4, 50)))):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def _remove(dice: random.Random, raw: bytes) -> bytes:
    start, end = _cut(dice, raw)
    return raw[:start] + raw[end:]


def _repeat(dice: random.Random, raw: bytes) -> bytes:
    start, end = _cut(dice, raw)
    return raw[:start] + raw[start:end] * dice.choice((2, 10, 1000, 50_000)) + raw[end:]


def _insert(dice: random.Random, raw: bytes) -> bytes:
    at = dice.randint(0, len(raw))
    return raw[:at] + dice.choice(TOKENS) * dice.choice((1, 1, 3, 1000, 50_000)) + raw[at:]


def _replace(dice: random.Random, raw: bytes) -> bytes:
    return raw.replace(dice.choice(TOKENS), dice.choice(TOKENS))


def _end(dice: random.Random, raw: bytes) -> bytes:
    return raw[: dice.randint(0, len(raw))]


def _splice(dice: random.Random, raw: bytes) -> bytes:
    other = dice.choice(originals())
    return raw[: dice.randint(0, len(raw))] + other[dice.randint(0, len(other)) :]


def _shuffle(dice: random.Random, raw: bytes) -> bytes:
    lines = raw.split(b"\n")
    dice.shuffle(lines)
    return b"\n".join(lines)


def _nest(dice: random.Random, raw: bytes) -> bytes:
    for depth in range(dice.choice((1, 5, 39, 60))):
        raw = b"Content-Type: multipart/mixed; boundary=n%d\n\n--n%d\n%b" % (depth, depth, raw)
    return raw


CHANGES: tuple[Change, ...] = (_flip, _remove, _repeat, _insert, _replace, _end, _splice, _shuffle, _nest)


def outcome(raw: bytes) -> str:
    """How a mail ends: `ticket`, or why it is kept. Raises whatever reading raises beside that."""
    try:
        mail = read_mail(raw)
    except UnreadableMailError as error:
        return str(error)
    mail.ticket.model_dump_json().encode()
    packed(raw)
    return "ticket"


def main(count: int) -> int:
    """Read the mutations 0 to count; print how they ended, and the slowest. 1 if a reader failed on one."""
    ends: Counter[str] = Counter()
    slowest: list[tuple[float, int, int]] = []
    failed = 0
    for seed, raw in _all(count):
        begin = process_time()
        end = outcome(raw)
        slowest = sorted([*slowest, (process_time() - begin, seed, len(raw))])[-10:]
        if end.startswith("the mail cannot be read"):
            failed += 1
            print(seed, end)
        ends[end if len(end) < 80 else f"{end[:80]}..."] += 1
    for end, times in ends.most_common(20):
        print(f"{times:6} {end}")
    for seconds, seed, size in slowest:
        print(f"{seconds:.2f} s, mutation {seed}, {size} bytes")
    return 1 if failed else 0


def _all(count: int) -> Iterator[tuple[int, bytes]]:
    return ((seed, mutation(seed)) for seed in range(count))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
