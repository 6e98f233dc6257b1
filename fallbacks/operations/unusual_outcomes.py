"""Checks of what leaves and of what people do: webhooks, alerts, the inbox, unreadable messages."""

from collections import Counter
from collections.abc import Iterator

from fallbacks.delivery.outbox import DISABLED
from fallbacks.operations.finding import Finding, error, warning
from fallbacks.operations.look import Look
from tasks.language import _, written

FEW = 5
SHARE = 0.2
ALERTS_LATE_MS = 120_000.0
VERY_LATE_MS = 4 * 3_600_000.0
"""A person should have looked so long ago: nobody drains the inbox."""


def webhooks(look: Look) -> Iterator[Finding]:
    """Outcomes do not arrive."""
    if disabled := look.stats.control.get(DISABLED):
        what = _("no outcome leaves: the receiver is gone (%(why)s)", why=disabled)
        yield error("webhooks_disabled", what, see="deskhand webhooks list", act="deskhand webhooks enable", weight=600)
        return
    failed = look.now.counted("outbox_retry") + look.now.counted("outbox_failed")
    sent = look.now.counted("outbox_delivered")
    errors = Counter(entry.error for entry in look.undelivered if entry.error)
    said = f": {errors.most_common(1)[0][0]}" if errors else ""
    if failed >= FEW and failed > SHARE * (failed + sent):
        tries = {"some": failed, "all": failed + sent, "waiting": look.stats.outbox}
        what = _("%(some)s of %(all)s tries to deliver outcomes just now failed, %(waiting)s wait", **tries) + said
        act = "deskhand webhooks redeliver --all"
        advice = _("Mend the receiver first; they are tried for 75 hours by themselves.")
        yield error("webhooks_fail", what, see="deskhand webhooks list", act=act, weight=90, advice=advice)
    elif look.given_up:
        what = _("%(num)s outcomes of the last week were given up", num=look.given_up) + said
        yield warning("webhooks_given_up", what, see="deskhand webhooks list", act="deskhand webhooks redeliver --all")


def alerts(look: Look) -> Iterator[Finding]:
    """Nobody hears of what fails."""
    if look.alerts_late_ms > ALERTS_LATE_MS:
        late = round(look.alerts_late_ms / 1000)
        what = _("an alert should have left %(seconds)s s ago and nobody has tried", seconds=late)
        yield error("alerts_late", what, see="deskhand status", act="deskhand worker --queues handoff", weight=700)
    if look.now.counted("alert_failures") > FEW:
        what = _("%(num)s alerts just now did not reach their receiver", num=look.now.counted("alert_failures"))
        advice = _("Check DESKHAND_ALERT_WEBHOOK_URL and DESKHAND_SENTRY_DSN.")
        yield error("alerts_fail", what, see="deskhand doctor", act="deskhand doctor", weight=95, advice=advice)


def inbox(look: Look) -> Iterator[Finding]:
    """People are waited for."""
    if not look.late_ms:
        return
    waiting, acts = sum(look.stats.inbox.values()), ("person_approve", "person_edit", "person_decide")
    done = sum(look.now.counted(name) for name in acts)
    hours = look.late_ms / 3_600_000
    what = _(
        "%(num)s items wait for people, the most urgent is %(hours)s h late; %(done)s were decided just now",
        num=waiting,
        hours=written(f"{hours:.1f}"),
        done=done,
    )
    found, weight = (error, 30 + hours) if look.late_ms > VERY_LATE_MS and not done else (warning, 10 + hours)
    yield found("inbox_late", what, see="deskhand inbox list", act="deskhand inbox work", weight=weight)


def unreadable(look: Look) -> Iterator[Finding]:
    """A sender sends what is not a ticket."""
    grown = look.stats.inbox.get("unreadable", 0) - look.now.before.inbox.get("unreadable", 0)
    if grown >= FEW:
        what = _("%(num)s messages just now could not be read as tickets", num=grown)
        yield warning("unreadable", what, see="deskhand tickets --state rejected", act="deskhand inbox work", weight=15)


CHECKS = (webhooks, alerts, inbox, unreadable)
