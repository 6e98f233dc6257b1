"""How long lists and serve-next take where 50,000 items wait: `python -m tests.bench.inbox`. A table.

One item is made by the real calls and copied, row and indexes, on a server of the bench's own. Times are of the whole
call, as the console and the API make it; `page` is the console's own page, by HTTP, rendered. Those of one team of ten
are asked for where what is theirs is spread evenly, half of all being of none, and where it is the last 50 of all.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from time import perf_counter

from httpx import Client

from fallbacks.access.roles import Role
from fallbacks.access.users import Users
from fallbacks.console.lists.inbox_list import COUNTED
from fallbacks.errors import UserExists
from fallbacks.inbox.inbox import Inbox
from fallbacks.inbox.reach import reach_of
from fallbacks.inbox.wanted import By, Wanted
from fallbacks.store import keys
from fallbacks.store.redis_store import RedisStore
from tasks.reasons import Reason
from tasks.triage.process import Triage
from tasks.triage.taxonomy import Team
from tests.fallbacks.console.browserless import signed_in
from tests.fallbacks.console.door import Door
from tests.fallbacks.scene import TAXONOMY, Scene
from tests.services.valkey import ValkeyServer

ROUNDS = 40
LOT = 1000
READY, LABEL = "queue:suggestions", "label:lost_card"
REVIEW, LIMIT = "queue:limits", f"reason:{Reason.STEP_LIMIT.value}"
BOTH, APART = Wanted((READY, LABEL), asleep=False), Wanted((READY, LIMIT), asleep=False)
"""Facets that all suggestions have, and two of which each is on half of what waits and both are on the last 50."""

TEAMS = ["cards", "loans", *(f"team_{number}" for number in range(8))]
TEN = Triage(TAXONOMY.model_copy(update={"teams": tuple(Team(name=name, description="Work.") for name in TEAMS)}))
OWN, LAST = "team:cards", 50


def team_of(number: int, many: int, *, evenly: bool) -> str:
    """evenly: half of what waits is of no team; otherwise the last are of one, and all others of other teams."""
    if evenly:
        return TEAMS[number // 2 % len(TEAMS)] if number % 2 else ""
    return TEAMS[0] if number >= many - LAST else TEAMS[1 + number % (len(TEAMS) - 1)]


async def fill(store: RedisStore, many: int, *, evenly: bool) -> None:
    """Half of them suggestions, half hand-offs, due one after the other."""
    scene = Scene(store)
    await scene.suggested("s")
    await scene.handed_off("h", Reason.STEP_LIMIT)
    rows = {name: await store.row(name) for name in ("s", "h")}
    indexes = {"s": ["inbox", READY, LABEL], "h": ["inbox", REVIEW, LIMIT]}
    states, now = {"s": "suggested", "h": "handed_off"}, await store.now_ms()
    for start in range(0, many, LOT):
        pipe = store.redis.pipeline(transaction=False)
        for number in range(start, min(start + LOT, many)):
            kind = "s" if number % 2 else "h"
            ticket_id, due = f"{kind}{number:06}", now - 3_600_000 + number * 144
            pipe.hset(store.prefix + keys.ticket(ticket_id), mapping={**rows[kind], "sla": str(due)})
            pipe.copy(store.prefix + keys.journal(kind), store.prefix + keys.journal(ticket_id))
            facets = [*indexes[kind], f"team:{team_of(number, many, evenly=evenly)}"]
            for facet in (*facets, *([LIMIT] if number >= many - LAST else [])):
                index = keys.INBOX if facet == "inbox" else keys.inbox_facet(facet)
                pipe.zadd(store.prefix + index, {ticket_id: due})
            pipe.zadd(store.prefix + keys.in_state(states[kind]), {ticket_id: due - 14_400_000})
        await pipe.execute()


async def lay_asleep(store: RedisStore) -> None:
    """All of them, for an hour."""
    until = await store.now_ms() + 3_600_000
    ids = [member for member, _ in await store.ranked(keys.INBOX, 0, -1)]
    for start in range(0, len(ids), LOT):
        pipe = store.redis.pipeline(transaction=False)
        for ticket_id in ids[start : start + LOT]:
            pipe.hset(store.prefix + keys.ticket(ticket_id), "snoozed_until", str(until))
            pipe.zadd(store.prefix + keys.SNOOZED, {ticket_id: until})
        await pipe.execute()


async def timed(call: Callable[[], Awaitable[object]]) -> list[float]:
    """Milliseconds of each round."""
    found = []
    for _ in range(ROUNDS):
        began = perf_counter()
        await call()
        found.append((perf_counter() - began) * 1000)
    return sorted(found)


def line(name: str, taken: list[float]) -> str:
    return f"| {name} | {taken[len(taken) // 2]:.1f} | {taken[int(len(taken) * 0.95)]:.1f} |"


def calls(inbox: Inbox) -> dict[str, Callable[[], Awaitable[object]]]:
    """By what is measured."""
    wanted = {
        "first page": (Wanted(asleep=False), 0),
        "page at 40,000": (Wanted(asleep=False), 40_000),
        "longest waiting first": (Wanted(asleep=False, by=By.SINCE), 0),
        "overdue": (Wanted(asleep=False, due_in_ms=0), 0),
        "needs a person": (Wanted(asleep=False, without=(READY,)), 0),
        "two facets": (BOTH, 0),
        "waiting over an hour": (Wanted(asleep=False, waited_ms=3_600_000), 0),
        "snoozed": (Wanted(asleep=True), 0),
    }
    pages = {name: lambda one=one: inbox.find(*one, 50, COUNTED) for name, one in wanted.items()}
    return {
        **pages,
        "two facets, all of them counted": lambda: inbox.page(BOTH.facets),
        "counts of the views": inbox.counts,
        "next": lambda: inbox.next("ann"),
        "next of two facets": lambda: inbox.next("ann", wanted=BOTH),
        "two facets that meet at the end": lambda: inbox.find(APART, 0, 50, COUNTED),
        "next of these": lambda: inbox.next("ann", wanted=APART),
        **calls_of_a_team(inbox),
    }


def calls_of_a_team(inbox: Inbox) -> dict[str, Callable[[], Awaitable[object]]]:
    """The same of somebody who works for one team."""
    reach = reach_of(TEN, "tom", [OWN])
    wanted = {
        "first page": Wanted(asleep=False),
        "longest waiting first": Wanted(asleep=False, by=By.SINCE),
        "overdue": Wanted(asleep=False, due_in_ms=0),
        "two facets": BOTH,
        "snoozed": Wanted(asleep=True),
    }
    pages = {
        f"one team: {name}": lambda one=one: inbox.find(reach.narrowed(one), 0, 50, COUNTED)
        for name, one in wanted.items()
    }
    return {
        **pages,
        "one team: counts of the views": lambda: inbox.counts(reach.unseen),
        "one team: next": lambda: inbox.next("tom", unseen=reach.unseen),
        "one team: next of two facets": lambda: inbox.next("tom", wanted=BOTH, unseen=reach.unseen),
    }


async def measure(url: str) -> list[str]:
    store = RedisStore(url)
    inbox = Inbox(store, TEN, None)  # type: ignore[arg-type] # nothing is decided
    try:
        return [line(name, await timed(call)) for name, call in calls(inbox).items()]
    finally:
        await store.aclose()


async def prepare(url: str, work: Callable[[RedisStore], Awaitable[None]]) -> None:
    store = RedisStore(url)
    try:
        await work(store)
    finally:
        await store.aclose()


def page_of(client: Client) -> Callable[[], Awaitable[object]]:
    async def page() -> None:
        assert client.get("/inbox").status_code == 200  # noqa: ASYNC212 - nobody else waits

    return page


def by_http(url: str) -> list[str]:
    """The console's page."""
    found = []
    with Door(url, TEN) as door:
        for name, teams in (("olga", ()), ("tom", (OWN,))):
            with suppress(UserExists):  # from the scene before
                door.add_user(name, Role.OPERATOR)
                door.run(Users(door.store).change(name, teams=teams))
            with signed_in(door, name) as client:
                found.append(
                    line(f"{'one team: ' if teams else ''}the console's page", asyncio.run(timed(page_of(client))))
                )
    return found


def show(title: str, url: str) -> None:
    print(f"\n{title}, ms | median | p95\n---|---|---")
    print("\n".join([*asyncio.run(measure(url)), *by_http(url)]), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--many", type=int, default=50_000)
    many = parser.parse_args().many
    for evenly, where in ((True, "spread evenly"), (False, "at the very end")):
        with tempfile.TemporaryDirectory() as folder, ValkeyServer(Path(folder)) as server:
            asyncio.run(prepare(server.url, lambda store, evenly=evenly: fill(store, many, evenly=evenly)))
            show(f"{many:,} wait, those of one team {where}", server.url)
            asyncio.run(prepare(server.url, lay_asleep))
            show(f"all of them snoozed, those of one team {where}", server.url)


if __name__ == "__main__":
    main()
