"""What people switch at run time, and the operator log: who switched what, changed people or keys, or signed in.

The switches are fields of the store's hash `control`; whoever works looks at them itself.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from fallbacks.ledger.states import State
from fallbacks.store import keys
from fallbacks.store.port import Store, lua_header
from tasks.language import N_, _, translated
from tasks.money import shown_usd
from tasks.reasons import Reason
from tasks.retold import retold

KEPT = 50_000
"""Lines that are kept of the changes, and as many of the sign-ins: a flood of those drops no change."""

CHUNK = 500

AUTONOMY, DAY_CAP, MONTH_CAP = "autonomy", "day_cap", "month_cap"
"""With `:` and a source behind them the caps are that source's."""

RATE = "rate"
"""With `:` and a source behind it: how many tickets of that source are taken a minute."""

DEPLOYED = "deployed:"
"""Prefix of what the workers run: code, prompt, taxonomy, models."""

USER, KEY, SIGN_IN = "user:", "key:", "sign_in"
"""What else the log tells of: a person, an API key, and somebody at the door of the console."""

EARNED = "earned:"
"""Prefix of a kind of decision that was promoted or demoted."""

ERASED = "erasure:"
"""Prefix of a receipt for what was erased."""

MODEL = "local_model"
"""Another version of the local model works, by rule."""

OUTCOMES_STOPPED = "webhook_disabled"
"""Why no outcome is sent any more."""

PAUSED, DRAIN = "paused:", "drain:"
"""Prefixes of the fields that hold a queue, and that ask a worker to finish."""

ROTATION = "rotation:"
"""Prefix of a group whose items go to its people in turn, such as `rotation:team:cards`."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a switch. at_ms: store time. what: its field. before, after: its value, None where it had none.

    Of a person, a key or a sign-in `after` says what was done. client: the address of who signs in.
    """

    at_ms: int
    who: str
    what: str
    before: str | None
    after: str | None
    client: str | None = None

    @property
    def words(self) -> str:
        """What was done, for people."""
        if self.what.startswith(PAUSED):
            queue = self.what.removeprefix(PAUSED)
            return _("paused %(queue)s", queue=queue) if self.after else _("unpaused %(queue)s", queue=queue)
        if self.what.startswith(DRAIN):
            worker = self.what.removeprefix(DRAIN)
            said = N_("asked worker %(worker)s to finish") if self.after else N_("worker %(worker)s is finishing")
            return _(said, worker=worker)
        if self.what == SIGN_IN:
            how = translated(self.after or "")
            return _("sign-in %(how)s from %(client)s", how=how, client=self.client or _("an unknown address"))
        if self.what.startswith(ROTATION):
            said = N_("rotation of %(team)s on") if self.after else N_("rotation of %(team)s off")
            return _(said, team=self.what.rpartition(":")[2].replace("_", " "))
        if self.what.startswith((EARNED, ERASED)) or self.what == MODEL:
            return retold(self.after or "")
        if self.what == OUTCOMES_STOPPED:
            return _("no outcome is sent: %(why)s", why=self.after) if self.after else _("outcomes are sent again")
        if self.what.startswith((USER, KEY)):
            kind, __, name = self.what.partition(":")
            return f"{translated(kind)} {name}: {retold(self.after or '')}"
        if self.what.startswith(DEPLOYED):
            return f"{translated(self.what.removeprefix(DEPLOYED))}: {self.before or _('none')} -> {self.after}"
        return self._amounts()

    def _amounts(self) -> str:
        """Of a switch that has an amount, or any other value."""
        switch, __, source = self.what.partition(":")
        if switch in (DAY_CAP, MONTH_CAP):
            amounts = {"before": _money(self.before), "after": _money(self.after)}
            if not source:
                return _("daily budget: %(before)s -> %(after)s", **amounts)
            if switch == DAY_CAP:
                return _("daily budget of %(source)s: %(before)s -> %(after)s", source=source, **amounts)
            return _("monthly budget of %(source)s: %(before)s -> %(after)s", source=source, **amounts)
        as_set_up = _("as set up")
        if switch == RATE:
            rates = {"before": _count(self.before), "after": _count(self.after)}
            return _("tickets of %(source)s a minute: %(before)s -> %(after)s", source=source, **rates)
        before, after = translated(self.before or "") or as_set_up, translated(self.after or "") or as_set_up
        return f"{translated(self.what)}: {before} -> {after}"


class Control:
    """The switches over a store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def fields(self) -> dict[str, str]:
        """Every switch that is set."""
        return await self.store.fields(keys.CONTROL)

    async def change(self, who: str, values: Mapping[str, str | None]) -> list[Change]:
        """Set switches, None unsets, and write down what has changed by it; what is so already is no change."""
        return await self._set(who, values)

    async def deployed(self, who: str, values: Mapping[str, str]) -> list[Change]:
        """Write down what a worker that starts runs, where it is not what the last one ran."""
        return await self._set(who, {DEPLOYED + name: value for name, value in values.items()}, deployed=True)

    async def changed(self, who: str, what: str, how: str) -> None:
        """Write down that a person or a key was changed. what: `user:NAME` or `key:NAME`."""
        await self._write(keys.CONTROL_LOG, {"who": who, "what": what, "after": how})

    async def signed(self, who: str, how: str, client: str) -> None:
        """Write down who was at the door of the console, from where, and how it went."""
        await self._write(keys.SIGN_IN_LOG, {"who": who, "what": SIGN_IN, "after": how, "client": client})

    async def log(self, count: int = 50, *, sign_ins: bool = False) -> list[Change]:
        """The latest changes, newest first, and the latest sign-ins among them where they are wanted."""
        lists = [keys.CONTROL_LOG, *([keys.SIGN_IN_LOG] if sign_ins else [])]
        found = [_read(line) for name in lists for line in await self.store.listed(name, 0, count - 1)]
        return sorted(found, key=lambda change: -change.at_ms)[:count]

    async def _set(self, who: str, values: Mapping[str, str | None], *, deployed: bool = False) -> list[Change]:
        changes = [[field] if value is None else [field, value] for field, value in values.items()]
        header = lua_header({"who": who, "keep": KEPT, "deployed": deployed or None, "changes": changes})
        return [_read(line) for line in await self.store.run("control", "", header)]

    async def _write(self, name: str, line: Mapping[str, str]) -> None:
        await self.store.run("log", "", name, KEPT, json.dumps(line, ensure_ascii=False))

    async def wake(self, reason: Reason) -> int:
        """Let tickets parked for this reason go on now, because what they wait for has changed. Returns how many."""
        parked = [ticket_id for ticket_id, _ in await self.store.ranked(keys.in_state(State.PARKED), 0, -1)]
        woken = 0
        for start in range(0, len(parked), CHUNK):
            woken += int(await self.store.run("wake", "", reason.value, *parked[start : start + CHUNK]))
        return woken


def _read(line: str) -> Change:
    raw = json.loads(line)
    return Change(int(raw["at"]), raw["who"], raw["what"], raw.get("before"), raw.get("after"), raw.get("client"))


def _count(number: str | None) -> str | int:
    return int(number) if number and number.isdecimal() else number or _("as set up")


def _money(nanodollars: str | None) -> str:
    return _("as set up") if nanodollars is None else shown_usd(int(nanodollars))
