"""What people switch at run time, and the log of who did: pauses, the kill switch, the day's budget, drained workers.

The switches are fields of the store's hash `control`; whoever works looks at them itself.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from fallbacks.ledger.states import State
from fallbacks.store import keys
from fallbacks.store.port import Store, lua_header
from tasks.money import format_usd
from tasks.reasons import Reason

KEPT = 1000
"""Lines of the log that are kept; older ones are dropped."""

CHUNK = 500

AUTONOMY, DAY_CAP = "autonomy", "day_cap"
PAUSED, DRAIN = "paused:", "drain:"
"""Prefixes of the fields that hold a queue, and that ask a worker to finish."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a switch. at_ms: store time. what: its field. before, after: its value, None where it had none."""

    at_ms: int
    who: str
    what: str
    before: str | None
    after: str | None

    @property
    def words(self) -> str:
        """What was done, for people."""
        if self.what.startswith(PAUSED):
            return f"{'paused' if self.after else 'unpaused'} {self.what.removeprefix(PAUSED)}"
        if self.what.startswith(DRAIN):
            worker = self.what.removeprefix(DRAIN)
            return f"asked worker {worker} to finish" if self.after else f"worker {worker} is finishing"
        if self.what == DAY_CAP:
            return f"daily budget: {_money(self.before)} -> {_money(self.after)}"
        return f"{self.what}: {self.before or 'as set up'} -> {self.after or 'as set up'}"


class Control:
    """The switches over a store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def fields(self) -> dict[str, str]:
        """Every switch that is set."""
        return await self.store.fields(keys.CONTROL)

    async def change(self, who: str, values: Mapping[str, str | None]) -> list[Change]:
        """Set switches, None unsets, and write down what has changed by it; what is so already is no change."""
        changes = [[field] if value is None else [field, value] for field, value in values.items()]
        header = lua_header({"who": who, "keep": KEPT, "changes": changes})
        return [_read(line) for line in await self.store.run("control", "", header)]

    async def log(self, count: int = 50) -> list[Change]:
        """The latest changes, newest first."""
        return [_read(line) for line in await self.store.listed(keys.CONTROL_LOG, 0, count - 1)]

    async def wake(self, reason: Reason) -> int:
        """Let tickets parked for this reason go on now, because what they wait for has changed. Returns how many."""
        parked = [ticket_id for ticket_id, _ in await self.store.ranked(keys.in_state(State.PARKED), 0, -1)]
        woken = 0
        for start in range(0, len(parked), CHUNK):
            woken += int(await self.store.run("wake", "", reason.value, *parked[start : start + CHUNK]))
        return woken


def _read(line: str) -> Change:
    raw = json.loads(line)
    return Change(int(raw["at"]), raw["who"], raw["what"], raw.get("before"), raw.get("after"))


def _money(nanodollars: str | None) -> str:
    return "as set up" if nanodollars is None else format_usd(int(nanodollars))
