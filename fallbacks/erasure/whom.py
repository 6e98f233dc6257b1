"""Whose tickets, or which one: the ids that an erasure is about, and what a person is known by."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from fallbacks.history.port import History, Search
from fallbacks.ledger.states import State
from fallbacks.store import keys
from fallbacks.store.port import Store

PAGE = 200

LEAST_CHARS = 6


@dataclass(frozen=True, slots=True)
class Whom:
    """What was asked for. requester: an id or an e-mail address; ticket: an id. One of them is None."""

    requester: str | None = None
    ticket: str | None = None

    @property
    def kind(self) -> str:
        """As receipts name it."""
        return "ticket" if self.requester is None else "requester"

    @property
    def value(self) -> str:
        """Without what makes no difference."""
        return (self.ticket or "") if self.requester is None else self.requester.strip().lower()


@dataclass(frozen=True, slots=True)
class Person:
    """What somebody is known by."""

    ids: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()

    def with_requester(self, body: str) -> "Person":
        """And what the ticket says of who asks. body: as it is stored."""
        said = json.loads(body).get("requester") or {}
        more = {field: {str(said[name])} if said.get(name) else set[str]() for field, name in _NAMES.items()}
        return replace(self, **{field: getattr(self, field) | found for field, found in more.items()})

    @property
    def known_by(self) -> frozenset[str]:
        """Ids and addresses."""
        return self.ids | self.emails | frozenset(email.strip().lower() for email in self.emails)

    @property
    def telling(self) -> frozenset[str]:
        """What stands for nobody else in a line of text: no short id, and no first name alone."""
        whole = {name for name in self.names if " " in name.strip()}
        return frozenset(word for word in self.known_by | whole if len(word) >= LEAST_CHARS)


_NAMES = {"ids": "id", "emails": "email", "names": "name"}


async def tickets_of(store: Store, history: History | None, whom: Whom) -> tuple[list[str], list[str]]:
    """(ids in the store, ids in history); one that is just leaving is in both."""
    if whom.requester is None:
        asked = whom.value
        known = await history.known([asked]) if history else {}
        return [asked] if await store.row(asked) else [], list(known)
    live = [ticket_id async for ticket_id, body in live_bodies(store) if _is_of(body, whom.value)]
    ended = [ticket_id async for page in found_pages(history, Search(requester=whom.requester)) for ticket_id in page]
    if whom.value != whom.requester:
        found = found_pages(history, Search(requester=whom.value))
        ended += [ticket_id async for page in found for ticket_id in page]
    return live, list(dict.fromkeys(ended))


async def live_bodies(store: Store) -> AsyncIterator[tuple[str, str]]:
    """(id, body) of every ticket of the store that could be read as one."""
    seen = set[str]()
    for state in (*State, *State):  # twice: those that go on meanwhile
        ids = [ticket_id for ticket_id, _ in await store.ranked(keys.in_state(state), 0, -1)]
        fresh = [ticket_id for ticket_id in ids if ticket_id not in seen]
        seen |= set(fresh)
        for at in range(0, len(fresh), PAGE):
            page = fresh[at : at + PAGE]
            for ticket_id, (body,) in zip(page, await store.rows(page, ["body"]), strict=True):
                if body is not None:
                    yield ticket_id, body


async def found_pages(history: History | None, wanted: Search) -> AsyncIterator[Sequence[str]]:
    """Ids of all that is found, newest first."""
    before = wanted.before
    while history and (page := await history.search(replace(wanted, before=before, limit=PAGE))):
        yield [ticket_id for ticket_id, _ in page]
        before = (page[-1][1].accepted_ms, page[-1][0])


def _is_of(body: str, value: str) -> bool:
    said = json.loads(body).get("requester") or {}
    return value in {str(said.get(name) or "").strip().lower() for name in ("id", "email")}
