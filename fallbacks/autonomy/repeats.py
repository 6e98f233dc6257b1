"""Which agreements are the same text again: a bulk mail is one piece of evidence, not a thousand. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

MOST = 10_000
"""A text is known again while it is among so many of the last agreements of all kinds: about 1 MB a process. A
proof takes a few hundred different texts, so what is known too briefly could have promoted its kind by itself."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The agreements so far. last: how many there were when a text last agreed, by its digest. count: how many."""

    last: Mapping[int, int] = field(default_factory=dict)
    count: int = 0


class Repeats:
    """Recognises repeats, on top of what was seen before, which stays as it is: others may be reading on from there."""

    def __init__(self, before: Seen) -> None:
        self._before = before
        self._fresh: dict[int, int] = {}
        self._count = before.count

    def again(self, whose: str, fingerprint: str) -> bool:
        """Count one more agreement, and whether its text has agreed before for the same kind of the same version.

        fingerprint: of the text, "" for an example without one.
        """
        if not fingerprint:
            return False
        digest = int.from_bytes(blake2b(f"{whose}\n{fingerprint}".encode(errors="replace"), digest_size=8).digest())
        last = self._fresh.get(digest, self._before.last.get(digest))
        self._count += 1
        self._fresh[digest] = self._count
        return last is not None and self._count - last <= MOST

    def seen(self) -> Seen:
        """All of it, without what is too long ago to matter. The same in whatever parts it was read."""
        if self._fresh:
            known = {**self._before.last, **self._fresh}
            recent = {digest: last for digest, last in known.items() if self._count - last < MOST}
            self._before, self._fresh = Seen(recent, self._count), {}
        return self._before
