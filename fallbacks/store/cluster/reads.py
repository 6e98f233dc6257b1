"""Plain reads in many shards: one trip to each node, and not one command to each shard."""

import asyncio
import json
import logging
from collections.abc import Sequence
from typing import Any

from fallbacks.errors import StoreUnreachable
from fallbacks.store.cluster.shard import Node, Shard

log = logging.getLogger(__name__)

Read = tuple[str | int, ...]
"""A command, its key without a prefix, and further arguments; `NOW` among them is the shard's store time (ms)."""

NOW = "NOW"

Answers = list[Any]
"""Of each read, in order, as a script sees it: of a hash fields and values in turn."""

NO_CLOCK = "reads:"
"""Put behind a shard's prefix: what is asked of a node goes by its server's time, and sets no shard's clock."""


async def read(shards: Sequence[Shard], *reads: Read) -> list[Answers]:
    """The answers of each shard, in their order. Raises `StoreUnreachable`."""
    found = await _read(shards, reads)
    for answers in found:
        if isinstance(answers, StoreUnreachable):
            raise answers
    return [answers for answers in found if not isinstance(answers, StoreUnreachable)]


async def read_reachable(shards: Sequence[Shard], *reads: Read) -> list[tuple[Shard, Answers]]:
    """As `read`, of those that answer: a node that is away holds up no other. Raises where none does."""
    pairs = list(zip(shards, await _read(shards, reads), strict=True))
    found = [(shard, answers) for shard, answers in pairs if not isinstance(answers, StoreUnreachable)]
    if not found:
        raise StoreUnreachable(f"no shard answers: {pairs[0][1]}")
    if len(found) < len(pairs):
        log.warning("%d of %d shards do not answer", len(pairs) - len(found), len(pairs))
    return found


async def servers(shards: Sequence[Shard]) -> dict[str, str]:
    """By shard the replication id of the server that has it; without those of nodes that do not answer."""
    found = dict[str, str]()
    nodes = await _by_node(shards)
    for group, answer in zip(
        nodes.values(),
        await asyncio.gather(*(_asked(node, group, "server") for node, group in nodes.items())),
        strict=True,
    ):
        if not isinstance(answer, StoreUnreachable):
            found |= dict.fromkeys((one.name for one in group), str(answer[0]))
    return found


async def _by_node(shards: Sequence[Shard]) -> dict[Node | None, list[Shard]]:
    nodes = dict[Node | None, list[Shard]]()
    for shard in shards:
        nodes.setdefault(await shard.link.node_of(shard.slot), []).append(shard)
    return nodes


async def _asked(node: Node | None, group: Sequence[Shard], script: str, *args: str | int) -> Any:
    """What a script finds on a node; why it does not answer."""
    if node is None:
        return StoreUnreachable("no node serves these shards")
    try:
        return await group[0].link.at_node(node, script, f"{group[0].prefix}{NO_CLOCK}", *args)
    except StoreUnreachable as error:
        return error


async def _read(shards: Sequence[Shard], reads: Sequence[Read]) -> list[Answers | StoreUnreachable]:
    nodes, asked = await _by_node(shards), json.dumps(reads)
    groups = await asyncio.gather(*(_of_node(node, group, asked, reads) for node, group in nodes.items()))
    found = {name: answers for group in groups for name, answers in group}
    return [found[one.name] for one in shards]


async def _of_node(
    node: Node | None, group: Sequence[Shard], asked: str, reads: Sequence[Read]
) -> list[tuple[str, Answers | StoreUnreachable]]:
    found = await _asked(node, group, "reads", asked, *(one.prefix for one in group))
    if isinstance(found, StoreUnreachable):  # another may have them by now
        found = [None] * len(group)
    missing = [one for one, answers in zip(group, found, strict=True) if answers is None]
    again = dict(
        zip((one.name for one in missing), await asyncio.gather(*(_alone(one, reads) for one in missing)), strict=True)
    )
    return [(one.name, again.get(one.name, answers)) for one, answers in zip(group, found, strict=True)]


async def _alone(shard: Shard, reads: Sequence[Read]) -> Answers | StoreUnreachable:
    """A shard that its node did not have, whole: it has moved, or is on its way and is waited for. Raises what is wrong
    with a read.
    """
    try:
        return [await _command(shard, one) for one in reads]
    except StoreUnreachable as error:
        return error


async def _command(shard: Shard, asked: Read) -> Any:
    name, key, *args = asked
    known = [await shard.now_ms() if arg == NOW else arg for arg in args]
    answer = await shard.command(str(name), str(key), *known)
    return [part for pair in answer.items() for part in pair] if isinstance(answer, dict) else answer
