"""The fake on the port `fallbacks.history.port.History`: history in memory, which a test can take away."""

from collections.abc import Mapping, Sequence
from typing import Any

from fallbacks.errors import HistoryUnreachable
from fallbacks.history.port import EndedTicket, Entry, Facts, Known, Link, Search, Totals


class MemoryHistory:
    """Behaves as the real ones do; the contract suite runs on all. away: it answers nothing and takes nothing."""

    def __init__(self, name: str = "memory") -> None:
        self.name = name
        self.entries: dict[str, Entry] = {}
        self.people: list[str] = []
        self.away = False
        self.looks = 0

    def _ask(self) -> None:
        self.looks += 1
        if self.away:
            raise HistoryUnreachable("history is away")

    async def write(self, entries: Sequence[Entry]) -> None:
        self._ask()
        for entry in entries:
            here = self.entries.get(entry.ticket.id)
            if here is None or here.facts.version < entry.facts.version:
                self.entries[entry.ticket.id] = entry

    async def find(self, ticket_id: str) -> EndedTicket | None:
        self._ask()
        return self.entries[ticket_id].ticket if ticket_id in self.entries else None

    async def find_many(self, ticket_ids: Sequence[str]) -> Mapping[str, EndedTicket]:
        self._ask()
        return {one: self.entries[one].ticket for one in ticket_ids if one in self.entries}

    async def known(self, ticket_ids: Sequence[str]) -> Mapping[str, Known]:
        self._ask()
        return {one: _known(self.entries[one]) for one in ticket_ids if one in self.entries}

    async def made_by(self, keys: Sequence[str]) -> Mapping[str, Known]:
        self._ask()
        made = {key: _known(entry) for entry in self.entries.values() for key in entry.ticket.keys}
        return {key: made[key] for key in keys if key in made}

    async def in_thread(self, mail_ids: Sequence[str]) -> Mapping[str, str]:
        self._ask()
        return {
            mail: entry.ticket.id
            for entry in self.entries.values()
            for mail in entry.ticket.threads
            if mail in mail_ids
        }

    async def of_requester(self, requester_id: str, limit: int) -> list[tuple[str, Facts]]:
        self._ask()
        return [found for found in self._newest() if found[1].requester_id == requester_id][:limit]

    async def search(self, wanted: Search) -> list[tuple[str, Facts]]:
        """By state, key, who decided and time only."""
        self._ask()
        found = self._newest()
        tests = {
            "states": lambda facts: not wanted.states or facts.state in wanted.states,
            "key": lambda facts: wanted.key in (None, facts.key),
            "by": lambda facts: wanted.decided_by in (None, facts.decided_by),
            "since": lambda facts: facts.accepted_ms >= (wanted.since_ms or 0),
        }
        found = [(one, facts) for one, facts in found if all(test(facts) for test in tests.values())]
        before = wanted.before
        return [one for one in found if before is None or (one[1].accepted_ms, one[0]) < before][: wanted.limit]

    async def identity(self) -> str:
        self._ask()
        return self.name

    async def totals(self) -> Totals:
        self._ask()
        facts = [entry.facts for entry in self.entries.values()]
        by_day: dict[int, int] = {}
        for cost in (cost for one in facts for cost in one.costs):
            by_day[cost.day] = by_day.get(cost.day, 0) + cost.nanodollars
        spent, overbilled = sum(one.spent_nanodollars for one in facts), sum(one.overbilled for one in facts)
        return Totals(len(facts), spent, overbilled, by_day)

    async def add_examples(self, start: int, stored: Sequence[str]) -> None:
        self._ask()
        assert start <= len(self.people)
        self.people += stored[len(self.people) - start :]

    async def examples(self, start: int, count: int) -> list[str]:
        self._ask()
        return self.people[start : start + count]

    async def query(self, sql: str, parameters: Mapping[str, Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
        raise NotImplementedError(sql, parameters)

    async def chain(self, start: int, count: int) -> list[Link]:
        raise NotImplementedError(start, count)

    async def erase(self, entries: Sequence[Entry]) -> Mapping[str, int]:
        raise NotImplementedError(entries)

    async def replace_examples(self, stored: Mapping[int, str]) -> None:
        self._ask()
        for place, one in stored.items():
            self.people[place] = one

    async def scrub(self) -> Mapping[str, str]:
        return {}

    async def aclose(self) -> None:
        """Nothing is open."""

    def _newest(self) -> list[tuple[str, Facts]]:
        found = [(entry.ticket.id, entry.facts) for entry in self.entries.values()]
        return sorted(found, key=lambda one: (one[1].accepted_ms, one[0]), reverse=True)


def _known(entry: Entry) -> Known:
    return Known(entry.ticket.id, entry.facts.digest, entry.facts.state)
