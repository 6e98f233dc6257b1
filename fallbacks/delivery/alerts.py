"""Alerts: what is sent when work reaches people because something failed, or has waited for them too long.

One per reason and quiet time, counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, assert_never

from fallbacks.ledger.limits import generation
from fallbacks.plan import PLAN, Severity
from fallbacks.store import keys
from fallbacks.store.port import Store
from tasks.reasons import Reason

HIDE_MS = 30_000
"""A taken alert that nobody settles is due again after this: its sender died."""

RETRY_MS = 15_000

ESCALATE_AGAIN_MS = 4 * 3600 * 1000
"""While items stay late without a break, people are alerted again after this."""


class Escalation(StrEnum):
    """Alerts that no hand-off raises.

    oldest_waiting: an inbox item has passed its SLA, whatever its reason. breaker_open: tickets wait for a model.
    store_away: a process cannot write to the store, and says so past it. bound_violation: a provider billed more for
    a call than it may, so that no cap holds. failed_over: another server serves the store.
    no_worker: tickets wait, and no worker lives. clock_stepped: that of the store's server, by `about` ms.
    loop_blocked: a worker process stands still, and so do the leases of all that it works.
    autonomy_changed: kinds of decisions were promoted or demoted, `about` says which and why.
    model_changed: another version of the local model works by rule, `about` says which and why.
    other_history: a process would move tickets to another history than the deployment's; `about` says which.
    accepted_twice: tickets that had left were sent again while history was away; `about` says what became of them.
    """

    OLDEST_WAITING = "oldest_waiting"
    BREAKER_OPEN = "breaker_open"
    STORE_AWAY = "store_away"
    BOUND_VIOLATION = "bound_violation"
    FAILED_OVER = generation.FAILED_OVER
    NO_WORKER = "no_worker"
    CLOCK_STEPPED = "clock_stepped"
    LOOP_BLOCKED = "loop_blocked"
    AUTONOMY_CHANGED = "autonomy_changed"
    MODEL_CHANGED = "model_changed"
    ACCEPTED_TWICE = "accepted_twice"
    OTHER_HISTORY = "other_history"


ADVICE = {
    Escalation.OLDEST_WAITING: "Drain the inbox, the oldest first, or bring in more people.",
    Escalation.STORE_AWAY: "Look at the store and its name: `deskhand doctor` says what is wrong.",
    Escalation.BOUND_VIOLATION: "Compare the provider's bill with its prices here; `deskhand audit` names the tickets.",
    Escalation.CLOCK_STEPPED: (
        "Set it by NTP, in small steps. Tickets go by a time of their own that makes it up slowly."
    ),
    Escalation.LOOP_BLOCKED: (
        "Others take over what it works. A ticket that does it again and again is handed off; report it."
    ),
    Escalation.NO_WORKER: "Start one: `deskhand worker`. Meanwhile what waits too long goes to people.",
    Escalation.FAILED_OVER: "Compare what senders sent last with what is here; the workers' log has an audit.",
    Escalation.AUTONOMY_CHANGED: (
        "`deskhand autonomy labels` has the evidence, `deskhand autonomy alone` what it decided alone."
    ),
    Escalation.OTHER_HISTORY: "Give every process the same DESKHAND_HISTORY_URL; `sqlite:` needs a HOME they share.",
    Escalation.ACCEPTED_TWICE: "Compare both with `deskhand show ID`: what was decided and reported twice, take back.",
    Escalation.MODEL_CHANGED: "`deskhand train --versions` has them, `deskhand train --rollback` takes one back.",
}
"""What to do about an alert that no hand-off raises; of an open circuit breaker its reason's plan says it."""


@dataclass(frozen=True, slots=True)
class Alert:
    """All hand-offs of one reason since the last alert, as one message. Carries no ticket text.

    id: the same on every try. count: how many hand-offs, or items that are late. tickets: ids of the latest, at most
    five. first_ms / last_ms: store time. link: the ticket, where it is one, or where people see them all, "" when no
    public URL is set. about: of an open circuit breaker the reason and the model, of a store that is away who says so,
    else "".
    """

    id: str
    reason: Reason | Escalation
    count: int
    severity: Severity
    first_ms: int
    last_ms: int
    tickets: tuple[str, ...]
    link: str
    about: str = ""

    @property
    def title(self) -> str:
        """One line for people."""
        tickets = "ticket" if self.count == 1 else "tickets"
        match self.reason:
            case Reason():
                return f"{self.count} {tickets} handed off: {PLAN[self.reason].means}"
            case Escalation.OLDEST_WAITING:
                return f"{self.count} {tickets} in the inbox should have been looked at by now"
            case Escalation.BREAKER_OPEN:
                return f"tickets wait for {self._cause[1]}: {PLAN[self._cause[0]].means}"
            case (
                Escalation.STORE_AWAY
                | Escalation.NO_WORKER
                | Escalation.LOOP_BLOCKED
                | Escalation.AUTONOMY_CHANGED
                | Escalation.MODEL_CHANGED
                | Escalation.ACCEPTED_TWICE
                | Escalation.OTHER_HISTORY
            ):
                return self.about
            case Escalation.BOUND_VIOLATION:
                calls = "call was" if self.count == 1 else "calls were"
                return f"{self.count} {calls} billed for more than the worst case that was reserved"
            case Escalation.FAILED_OVER:
                return "the store failed over: what it had acknowledged last may be lost"
            case Escalation.CLOCK_STEPPED:
                return f"the clock of the store's server stepped by {int(self.about) / 1000:+.0f} s"
            case unknown:
                assert_never(unknown)

    @property
    def advice(self) -> str:
        """What to do about it."""
        match self.reason:
            case Reason():
                return PLAN[self.reason].advice
            case Escalation.BREAKER_OPEN:
                return f"{PLAN[self._cause[0]].advice} What waits goes on by itself once one call succeeds."
            case _:
                return ADVICE[self.reason]

    @property
    def _cause(self) -> tuple[Reason, str]:
        reason, _, model = self.about.partition(" ")
        return Reason(reason), model


class AlertSink(Protocol):
    """Somewhere alerts go."""

    @property
    def name(self) -> str: ...

    async def send(self, alert: Alert) -> None:
        """Deliver it or raise; it is tried again under the same id."""
        ...


class AlertDesk:
    """Takes due alerts from the store and sends them to every sink."""

    def __init__(self, store: Store, sinks: tuple[AlertSink, ...], quiet_seconds: float, public_url: str = "") -> None:
        self.store = store
        self.sinks = sinks
        self.quiet_ms = int(quiet_seconds * 1000)
        self.public_url = public_url.rstrip("/")

    async def escalate(self) -> int:
        """Raise one alert where the oldest item of the inbox is late. Returns how many items are."""
        escalation = (Escalation.OLDEST_WAITING.value, Severity.WARNING.value)
        return int(await self.store.run("escalate", "", *escalation, ESCALATE_AGAIN_MS))

    async def alarm(self, what: Escalation, about: str, severity: Severity = Severity.ERROR) -> None:
        """Raise one alert while this goes on."""
        await self.store.run("alarm", "", what.value, severity.value, about, ESCALATE_AGAIN_MS)

    async def calm(self, what: Escalation) -> None:
        """It is over: the next time is another one."""
        await self.store.run("alarm", "", what.value, Severity.ERROR.value, "", "")

    async def send_due(self) -> list[tuple[Alert, dict[str, str]]]:
        """Send what is due. Returns each alert with the sinks that failed and why; those tries are repeated."""
        sent: list[tuple[Alert, dict[str, str]]] = []
        while taken := await self.store.run("take_alert", "", HIDE_MS):
            alert = self._read(taken)
            failures = await self._send(alert)
            wait = RETRY_MS if failures else self.quiet_ms
            await self.store.run("settle_alert", "", alert.reason.value, alert.id, int(not failures), wait)
            sent.append((alert, failures))
        return sent

    async def _send(self, alert: Alert) -> dict[str, str]:
        """Try the sinks that do not have it yet: one that is down must not make the others hear it again and again."""
        name, failures = keys.alert(alert.reason.value), dict[str, str]()
        had_id, *had = (await self.store.fields(name)).get("had", "").split() or [""]
        had = had if had_id == alert.id else []
        for sink in self.sinks:
            if sink.name in had:
                continue
            try:
                await sink.send(alert)
                had.append(sink.name)
            except Exception as error:
                failures[sink.name] = f"{type(error).__name__}: {error}"[:300]
        if failures:
            await self.store.put(name, {"had": " ".join((alert.id, *had))})
        return failures

    def _read(self, taken: list[str | list[str]]) -> Alert:
        name, alert_id, count, first, last, severity, tickets, about = taken
        reason = _named(str(name))
        return Alert(
            id=str(alert_id),
            reason=reason,
            count=int(str(count)),
            severity=Severity(str(severity)),
            first_ms=int(str(first)),
            last_ms=int(str(last)),
            tickets=tuple(tickets),
            link=self._link(reason, int(str(count)), tickets) if self.public_url else "",
            about=str(about),
        )

    def _link(self, reason: Reason | Escalation, count: int, tickets: Sequence[str]) -> str:
        if count == 1 and tickets:
            return f"{self.public_url}/tickets/{tickets[0]}"
        return f"{self.public_url}/groups/{reason}" if isinstance(reason, Reason) else f"{self.public_url}/inbox"


def _named(name: str) -> Reason | Escalation:
    try:
        return Escalation(name)
    except ValueError:
        return Reason(name)
