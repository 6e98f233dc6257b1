"""The doctor's checks that need working parts: taxonomy, knowledge, prices, broker, workers."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from redis import RedisError

from fallbacks.delivery.outbox import DISABLED, OutboxAdmin
from fallbacks.errors import HistoryUnreachable, StoreUnreachable
from fallbacks.history.no_history import NoHistory
from fallbacks.ledger.past.one_history import compare
from fallbacks.store import keys
from fallbacks.store.urls import is_cluster
from worker.config.errors import WorkerError
from worker.config.sources import knowledge_folder
from worker.ops.doctor import (
    STORE_CHECKS,
    Check,
    cluster_state,
    failed,
    masked_url,
    passed,
    store_mode,
    warned,
    worst_of,
)
from worker.ops.doctor_models import guarded, prices, threshold
from worker.ops.doctor_reach import keys_for, reached
from worker.ops.doctor_replication import connections, replication
from worker.ops.redis_facts import StoreFacts, read_all_facts, read_facts
from worker.wiring import Parts

ROOM_SHARE = 0.1


async def examine(parts: Parts) -> list[Check]:
    """Every check, in order; one that breaks is itself a failed check."""
    found = [guarded("taxonomy", taxonomy, parts), guarded("prompt", prompt, parts)]
    found += [guarded("knowledge base", knowledge, parts)]
    found += [guarded("tools", tools, parts), guarded("local threshold", threshold, parts)]
    found += [*prices(parts)]
    of_store, of_broker, of_others = await asyncio.gather(
        asyncio.to_thread(store, parts), asyncio.to_thread(broker, parts), reached(parts)
    )
    found += [*of_store, of_broker or replace(of_store[0], name="broker"), *of_others]
    if all(check.verdict != "fail" for check in found if check.name == "store"):
        found += [await _awaited(name, check, parts) for name, check in LIVE_CHECKS.items()]
    return found


def taxonomy(parts: Parts) -> Check:
    """Labels and teams."""
    read = parts.taxonomy
    origin = parts.settings.taxonomy or "the sample"
    return passed("taxonomy", f"{len(read.labels)} labels, {len(read.teams)} teams ({origin})")


def prompt(parts: Parts) -> Check:
    """The version in force."""
    read, origin = parts.prompt, parts.settings.prompt or "built in"
    return passed("prompt", f"{read.version}, {len(read.rules):,} characters ({origin})")


def knowledge(parts: Parts) -> Check:
    """Articles the agent can search."""
    folder = knowledge_folder(parts.settings)
    if folder is None:
        return passed("knowledge base", "empty: DESKHAND_KNOWLEDGE is not set")
    if not folder.is_dir():
        return failed("knowledge base", f"no folder {folder}", "set DESKHAND_KNOWLEDGE to a folder of Markdown")
    count = sum(1 for _ in folder.rglob("*.md"))
    if not count:
        return warned("knowledge base", f"no *.md below {folder}", "add articles: the agent finds nothing to read")
    return passed("knowledge base", f"{count} articles")


def tools(parts: Parts) -> Check:
    """What the agent may call."""
    offered = [name for name, tool in parts.tools.items() if tool.offered]
    return passed("tools", ", ".join(offered) or "none")


def store(parts: Parts) -> list[Check]:
    """The store: reachable, durable, not full; what a failover may lose."""
    shown = masked_url(parts.redis_url)
    try:
        facts = read_all_facts(parts.redis_url)
    except (RedisError, OSError, ValueError) as error:
        return [failed("store", f"{shown}: {error}", "start it, or correct DESKHAND_REDIS_URL")]
    answers = passed("store", f"{shown} answers in {max(each.ping_ms for each in facts.values()):.1f} ms")
    looks: list[Callable[[StoreFacts], Check]] = [*STORE_CHECKS, partial(replication, settings=parts.settings)]
    if is_cluster(parts.redis_url):
        looks.remove(store_mode)
    checks = [worst_of({at: look(each) for at, each in facts.items()}) for look in looks]
    return [answers, *([cluster_state(facts)] if is_cluster(parts.redis_url) else []), *checks]


def broker(parts: Parts) -> Check | None:
    """Where hints travel; None where that is the store, which is asked already."""
    url = parts.settings.broker_url or parts.redis_url
    if url == parts.redis_url:
        return None
    try:
        with parts.app.connection() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=3)
    except Exception as error:  # each transport has its own errors; all mean the same here
        change = "start it, or correct DESKHAND_BROKER_URL"
        return failed("broker", f"{masked_url(url)}: {type(error).__name__}: {error}", change)
    return passed("broker", f"{masked_url(url)} answers")


async def history(parts: Parts) -> Check:
    """Where ended tickets go: the same for every process, and with room."""
    grows = "what cannot leave stays in the store, which grows"
    if isinstance(parts.history, NoHistory):
        return warned("history", "none: ended tickets stay in the store", f"set DESKHAND_HISTORY_URL: {grows}")
    url = parts.settings.history_url
    where = str(parts.history_file) if url.startswith("sqlite:") else masked_url(url)
    try:
        wrong, totals = await compare(parts.store, parts.history), await parts.history.totals()
    except HistoryUnreachable as error:
        return failed("history", f"{where}: {error}", f"start it, or correct DESKHAND_HISTORY_URL: {grows}")
    found = f"{where}: {totals.tickets:,} tickets"
    if wrong:
        return failed("history", f"{found}; {wrong}", "give every process the same DESKHAND_HISTORY_URL")
    room = parts.history_room()
    if room is None:
        return passed("history", found)
    found += f", {room[0] / 1e9:,.1f} of {room[1] / 1e9:,.1f} GB free"
    if room[0] < ROOM_SHARE * room[1]:
        return warned("history", found, f"give it a larger disk: {grows}")
    return passed("history", found)


async def workers(parts: Parts) -> Check:
    """Somebody should be there to work."""
    stats = await parts.views.stats()
    if not stats.slots and "tickets" in stats.starting:
        return warned("workers", "one is starting: it trains its local model first", "look again in a minute")
    if not stats.slots:
        return warned("workers", "none in the last minute", "start one: `deskhand worker`")
    if not any("handoff" in beat["queues"] for beat in stats.workers):
        found = f"{len(stats.workers)}, of which none serves handoff: no outcome leaves"
        return warned("workers", found, "start one: `deskhand worker --queues handoff`")
    return passed("workers", f"{len(stats.workers)} with {stats.slots} slots")


async def switches(parts: Parts) -> Check:
    """What was switched at run time and may have been forgotten."""
    control = await parts.store.fields(keys.CONTROL)
    on = [f"{name} is paused" for name in ("tickets", "handoff") if f"paused:{name}" in control]
    if "off" in (control.get("autonomy"), parts.settings.autonomy.value):
        on.append("the agent is switched off")
    if on:
        return warned("switches", ", ".join(on), "`deskhand unpause`, `deskhand autonomy suggest`")
    return passed("switches", "nothing is held")


async def unread(parts: Parts) -> Check:
    """Messages lie where somebody reads them."""
    depths, stats = await parts.publisher.depths(), await parts.views.stats()
    served = {queue for beat in stats.workers for queue in (*beat["queues"], "unreadable")}
    lying = {queue: depth for queue, depth in depths.items() if depth}
    found = ", ".join(f"{depth} on {queue}" for queue, depth in lying.items()) or "nothing lies unread"
    if alone := sorted(lying.keys() - served):
        return warned("queues", found, f"no worker serves {', '.join(alone)}: `deskhand worker --queues ...`")
    return passed("queues", found)


async def outcomes(parts: Parts) -> Check:
    """What upstream should have heard."""
    disabled = (await parts.store.fields(keys.CONTROL)).get(DISABLED)
    if disabled:
        return warned(
            "outcomes", f"none leaves: {disabled}", "correct DESKHAND_WEBHOOK_URL, `deskhand webhooks enable`"
        )
    late = await OutboxAdmin(parts.store).undelivered()
    if late:
        given_up = sum(entry.due_ms is None for entry in late)
        found = f"{len(late)} were tried and have not arrived, of which {given_up} were given up"
        return warned("outcomes", found, "`deskhand webhooks list` says why; `deskhand webhooks redeliver --all`")
    return passed("outcomes", "all that was tried has arrived")


async def clients(parts: Parts) -> Check:
    """Enough connections for the fleet that is there."""
    stats = await parts.views.stats()
    return connections(await asyncio.to_thread(read_facts, parts.redis_url), len(stats.workers))


LIVE_CHECKS: dict[str, Callable[[Parts], Awaitable[Check]]] = {
    "workers": workers,
    "switches": switches,
    "queues": unread,
    "outcomes": outcomes,
    "history": history,
    "connections": clients,
    "API access": keys_for,
}


async def _awaited(name: str, check: Callable[[Parts], Awaitable[Check]], parts: Parts) -> Check:
    try:
        return await check(parts)
    except StoreUnreachable as error:
        return failed(name, str(error), "see the checks of the store")
    except WorkerError as error:
        return failed(name, str(error), "correct it as the message says")
