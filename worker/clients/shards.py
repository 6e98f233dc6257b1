"""Which of several Deskhands a ticket belongs to: the same answer in every producer, and nothing to look up.

Rendezvous hashing: each shard's claim on a ticket is SHA-256 of "<shard>\\n<ticket id>" (UTF-8), the greatest digest
wins. Another shard wins its 1/N of the tickets, and every other ticket stays where it was.
"""

from collections.abc import Sequence
from hashlib import sha256


def ranked(ticket_id: str, shards: Sequence[str]) -> list[str]:
    """The shards by their claim on a ticket, its own first. The order they are given in says nothing."""
    return sorted(shards, key=lambda shard: sha256(f"{shard}\n{ticket_id}".encode()).digest(), reverse=True)


def shard_of(ticket_id: str, shards: Sequence[str]) -> str:
    """The shard a ticket belongs to. Raises `IndexError` where there is none."""
    return ranked(ticket_id, shards)[0]
