"""Checks of what runs come to: hand-offs, failing calls, breakers, cost, lost workers, agreement; and deploys."""

from collections.abc import Iterator

from fallbacks.ledger.limits.control import DEPLOYED
from fallbacks.ledger.sums.meters import series
from fallbacks.operations.finding import Finding, error, warning
from fallbacks.operations.look import Look
from fallbacks.plan import PLAN, Severity
from tasks.language import _, translated, written
from tasks.money import shown_usd
from tasks.reasons import Reason

FEW = 10
"""Fewer of a kind say nothing."""

TWICE = 2.0
SHARE = 0.2
NEAR_SHARE = 0.8
LOST = 3
DROP = 0.1
DROP_JUDGED = 20
DEPLOY_MS = 3_600_000

OF_A_DEPLOY = frozenset({"hand_offs", "failing_calls", "cost", "lost_workers", "agreement"})
"""What a deploy can cause."""


def hand_offs(look: Look) -> Iterator[Finding]:
    """More tickets go to people for one reason than in the day before."""
    ended = look.now.metered("runs|")
    for name, count in look.now.grown("runs|outcome=handed_off|").items():
        reason = name.rpartition("reason=")[2]
        usual = look.day.metered(name) / look.day.hours * look.now.hours if look.day else 0.0
        if count < FEW or count < TWICE * usual or count < SHARE * ended or reason not in set(Reason):
            continue
        row = PLAN[Reason(reason)]
        then = _("usual are %(num)s", num=written(f"{usual:.1f}")) if look.day else _("nothing is known of before")
        found = error if row.severity is not Severity.INFO else warning
        yield found(
            "hand_offs",
            _(
                "%(some)s of %(all)s runs just now were handed off for %(reason)s: %(means)s (%(then)s)",
                some=count,
                all=ended,
                reason=reason,
                means=translated(row.means),
                then=then,
            ),
            see=f"deskhand tickets --state handed_off --reason {reason}",
            act=f"deskhand retry --reason {reason}",
            weight=100 * count / ended,
            advice=translated(row.advice),
        )


def failing_calls(look: Look) -> Iterator[Finding]:
    """A model's calls fail."""
    grown = look.now.grown("llm_requests|")
    for model in sorted({labels["model"] for labels, __ in series(grown, "llm_requests")}):
        by = {labels["outcome"]: n for labels, n in series(grown, "llm_requests") if labels["model"] == model}
        failed = {outcome: count for outcome, count in by.items() if outcome != "ok"}
        if sum(failed.values()) < FEW or sum(failed.values()) < SHARE * sum(by.values()):
            continue
        most = max(failed, key=lambda outcome: failed[outcome])
        what = _(
            "%(some)s of %(all)s calls to %(model)s just now failed, most with %(most)s",
            some=sum(failed.values()),
            all=sum(by.values()),
            model=model,
            most=most,
        )
        advice = translated(PLAN[Reason(most)].advice) if most in set(Reason) else ""
        yield error("failing_calls", what, see="deskhand status", act="deskhand plan", weight=60, advice=advice)


def open_breakers(look: Look) -> Iterator[Finding]:
    """No calls go to a model."""
    for breaker in look.breakers:
        if breaker.state == "counting":
            continue
        seconds = (breaker.open_until_ms - look.stats.now_ms) / 1000
        next_try = (
            _("the next call in %(seconds)s s", seconds=round(seconds)) if seconds > 0 else _("the next call probes it")
        )
        known = breaker.reason in set(Reason)
        yield error(
            "breaker_open",
            _(
                "the circuit breaker of %(model)s is %(state)s after %(num)s failures: %(means)s; %(next)s",
                model=breaker.model,
                state=translated(breaker.state),
                num=breaker.failures,
                means=translated(PLAN[Reason(breaker.reason)].means) if known else breaker.reason,
                next=next_try,
            ),
            see=f"deskhand tickets --state parked --reason {breaker.reason}" if known else "deskhand status",
            act=f"deskhand retry --reason {breaker.reason}" if known else "deskhand status",
            weight=70,
            advice=translated(PLAN[Reason(breaker.reason)].advice) if known else "",
        )


def dearer(look: Look) -> Iterator[Finding]:
    """A run costs more than it did."""
    if look.day is None:
        return
    runs, before = look.now.metered("runs|"), look.day.metered("runs|")
    if runs < FEW or before < FEW:
        return
    prefix = "llm_cost_nanodollars|"
    now, then = look.now.metered(prefix) / runs, look.day.metered(prefix) / before
    if then <= 0 or now < 1.8 * then:
        return
    grown = look.now.grown(prefix)
    model = max(grown, key=lambda name: grown[name]).rpartition("model=")[2]
    what = _(
        "a run just now costs %(sum)s, %(times)s times as much as before; most goes to %(model)s",
        sum=shown_usd(int(now)),
        times=written(f"{now / then:.1f}"),
        model=model,
    )
    cap = look.day_cap
    act = "deskhand autonomy off" if cap is None else f"deskhand budget --day {cap / 1e9:g}"
    advice = _("or set DESKHAND_MODELS to a cheaper model, and restart the workers")
    yield error("cost", what, see="deskhand spend", act=act, weight=40 * now / then, advice=advice)


def budget(look: Look) -> Iterator[Finding]:
    """The day's dollars are nearly gone, or gone."""
    cap, gone = look.day_cap, look.stats.spent_nanodollars + look.stats.reserved_nanodollars
    refused = look.now.metered("budget_exhausted|budget=day")
    if cap is None or not (gone >= NEAR_SHARE * cap or refused):
        return
    said = {"share": written(f"{gone / cap:.0%}") if cap else "", "sum": shown_usd(cap)}
    what = (
        _("%(share)s of today's %(sum)s are spent or reserved", **said)
        if cap
        else _("today's %(sum)s are spent or reserved", **said)
    )
    act = f"deskhand budget --day {2 * cap / 1e9:g}"
    if refused:
        what = _("%(what)s: %(num)s runs just now found too little left", what=what, num=refused)
        yield error("budget", what, see="deskhand spend", act=act, weight=80)
    else:
        yield warning("budget", what, see="deskhand spend", act=act, weight=20)


def lost_workers(look: Look) -> Iterator[Finding]:
    """Workers vanish in the middle of runs."""
    lost = look.now.counted("leases_lost")
    if lost >= LOST:
        what = _("%(num)s tickets just now lost their worker in the middle of a run", num=lost)
        advice = _("Look for kills by the kernel or the orchestrator; the tickets are taken over.")
        yield error("lost_workers", what, see="deskhand status", act="deskhand audit", weight=50, advice=advice)


def overbilled(look: Look) -> Iterator[Finding]:
    """A provider has billed more than it may."""
    count = look.now.counted("bound_violations") + (look.day.counted("bound_violations") if look.day else 0)
    if count:
        what = _("%(num)s model calls cost more than was reserved for them", num=count)
        yield error("overbilled", what, see="deskhand audit", act="deskhand autonomy off", weight=1100)


def agreement(look: Look) -> Iterator[Finding]:
    """People agree less with what is suggested than they did."""
    newest = max((row.day for row in look.quality if row.judged), default=0)
    young = [row for row in look.quality if row.day == newest]
    old = [row for row in look.quality if row.day < newest]
    judged, before = sum(row.judged for row in young), sum(row.judged for row in old)
    if judged < DROP_JUDGED or before < DROP_JUDGED:
        return
    now, then = sum(row.agreed for row in young) / judged, sum(row.agreed for row in old) / before
    if now > then - DROP:
        return
    what = _(
        "people let %(share)s of %(num)s suggestions stand, and %(before)s on the days before",
        share=written(f"{now:.0%}"),
        num=judged,
        before=written(f"{then:.0%}"),
    )
    yield error("agreement", what, see="deskhand quality", act="deskhand autonomy suggest", weight=300 * (then - now))


def deploys(look: Look) -> Iterator[Finding]:
    """What has been deployed within the hour, the latest first."""
    for change in look.switched:
        ago = look.stats.now_ms - change.at_ms
        if not change.what.startswith(DEPLOYED) or change.before is None or ago > DEPLOY_MS:
            continue
        kind = change.what.removeprefix(DEPLOYED)
        back = "DESKHAND_IMAGE=... docker compose -f docker/compose.yaml up -d"
        acts = {"prompt": f"deskhand prompts show {change.before}", "code": back}
        what = _("the deploy of %(what)s, %(minutes)s min ago", what=change.words, minutes=round(ago / 60_000))
        advice = _(
            "go back to %(before)s: `kubectl -n deskhand rollout undo deploy/worker` or %(back)s",
            before=change.before,
            back=back,
        )
        yield error("deploy", what, see="deskhand control log", act=acts.get(kind, back), weight=400, advice=advice)


CHECKS = (hand_offs, failing_calls, open_breakers, dearer, budget, lost_workers, overbilled, agreement)
