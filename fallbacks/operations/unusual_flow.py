"""Checks of what moves tickets: switches, workers, queue, floods, store."""

from collections.abc import Iterator
from shlex import quote

from fallbacks.operations.finding import Finding, error, warning
from fallbacks.operations.fleet import least_room
from fallbacks.operations.look import Look
from tasks.language import N_, _, translated, written

OLD_SECONDS = 600.0
CROWDED = 2.0
"""Times as many tickets wait as there are slots."""

FLOOD_SHARE = 0.5
FLOOD_TICKETS = 50
FULL_SHARE = 0.8
DISK_SHARE = 0.1

ROOM = {
    "store": N_("A store that cannot write refuses new tickets. After a full disk: redis-cli BGREWRITEAOF."),
    "history": N_("What cannot leave for it stays in the store, which grows. Old months may move: `deskhand history`."),
}
"""What a full disk means, by whose it is."""

DISKS = {
    "store": N_("the disk of the store has %(left)s of %(all)s MB left"),
    "history": N_("the disk of the history has %(left)s of %(all)s MB left"),
}


def switched_off(look: Look) -> Iterator[Finding]:
    """Somebody holds work, and may have forgotten it."""
    control = look.stats.control
    for scope in sorted(name.removeprefix("paused:") for name in control if name.startswith("paused:")):
        what = _("the queue %(queue)s is paused", queue=scope)
        yield warning("paused", what, see="deskhand control log", act=f"deskhand unpause --queue {scope}", weight=2)
    if "off" in (control.get("autonomy"), look.terms.autonomy):
        what = _("the agent is switched off: every ticket goes to people")
        yield warning("switched_off", what, see="deskhand control log", act="deskhand autonomy suggest", weight=3)


def unserved(look: Look) -> Iterator[Finding]:
    """A queue without workers."""
    waiting, workers = look.stats.states["queued"], look.stats.workers
    starting = look.stats.starting
    if waiting and not look.stats.slots and "tickets" not in starting:
        what = _("%(num)s tickets wait and no worker serves them", num=waiting)
        yield error("no_workers", what, see="deskhand status", act="deskhand worker --queues tickets", weight=1000)
    if not any("handoff" in beat["queues"] for beat in workers) and "handoff" not in starting:
        what = _("no worker serves the queue handoff: no outcome leaves")
        act = "deskhand worker --queues handoff"
        yield error("no_handoff_worker", what, see="deskhand status", act=act, weight=900)


def frozen(look: Look) -> Iterator[Finding]:
    """A worker that has not left and is not heard of."""
    for worker in look.fleet:
        if worker.silent:
            said = {"worker": worker.worker, "seconds": round(worker.seen_seconds), "tickets": ", ".join(worker.doing)}
            what = (
                _(
                    "worker %(worker)s has been silent for %(seconds)s s, with %(tickets)s: frozen, cut off or killed",
                    **said,
                )
                if worker.doing
                else _("worker %(worker)s has been silent for %(seconds)s s: frozen, cut off or killed", **said)
            )
            act = f"kill -9 {worker.pid}" if worker.pid else _("end it")
            where = _("on %(host)s; others have its tickets. Then start another worker", host=worker.host)
            yield error("frozen_worker", what, see="deskhand status", act=act, weight=500, advice=where)


def backlog(look: Look) -> Iterator[Finding]:
    """More waits than is worked."""
    states, slots = look.stats.states, max(1, look.stats.slots)
    waiting, oldest = states["queued"], look.stats.oldest_seconds.get("queued", 0.0)
    grown = waiting - look.now.before.states.get("queued", 0)
    crowded = waiting > CROWDED * slots and (grown > 0 or oldest > OLD_SECONDS)
    if not look.stats.slots or "paused:tickets" in look.stats.control or not (crowded or oldest > OLD_SECONDS):
        return
    came, done = look.now.counted("accepted"), look.now.metered("runs|")
    what = _(
        "%(num)s tickets wait for %(slots)s slots, the oldest for %(seconds)s s: "
        "%(came)s came just now and %(done)s runs ended",
        num=waiting,
        slots=look.stats.slots,
        seconds=round(oldest),
        came=came,
        done=done,
    )
    rate = max(came, 1) / (look.now.hours * 3600)
    yield error(
        "backlog",
        what,
        see=f"deskhand capacity --rate {rate:.2g}/s",
        act="deskhand worker --queues tickets",
        weight=waiting / slots,
        advice=_("or scale the deployment: `--scale worker=N`"),
    )


def flood(look: Look) -> Iterator[Finding]:
    """One requester sends most of what comes."""
    sent = look.senders
    if sent.tickets < FLOOD_TICKETS:
        return
    for sender in sent.requesters[:1]:
        if sender.share >= FLOOD_SHARE and sender.who:
            what = _(
                "%(who)s of %(source)s sent %(some)s of the last %(all)s tickets (%(share)s) within %(seconds)s s",
                who=sender.who,
                source=sender.source,
                some=sender.tickets,
                all=sent.tickets,
                share=written(f"{sender.share:.0%}"),
                seconds=round(sent.seconds),
            )
            chosen = f"--requester {quote(sender.who)} --source {quote(sender.source)}"
            yield error(
                "flood",
                what,
                see="deskhand senders",
                act=f"deskhand tickets {chosen} --state queued --ids --limit 5000 | deskhand cancel -",
                weight=sender.share * 100,
                advice=_("DESKHAND_REQUESTER_TICKETS_PER_HOUR bounds what the agent works of one requester"),
            )


def store_full(look: Look) -> Iterator[Finding]:
    """What the server says of itself."""
    info = look.store
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if most and used > FULL_SHARE * most:
        what = _(
            "the store uses %(used)s of %(all)s MB: a full one refuses new tickets",
            used=round(used / 1e6),
            all=round(most / 1e6),
        )
        yield error("store_full", what, see="deskhand doctor", act="redis-cli CONFIG SET maxmemory ...", weight=800)
    for field in ("aof_last_write_status", "aof_last_bgrewrite_status"):
        if info.get(field, "ok") != "ok":
            what = _(
                "the store does not write its append-only file (%(field)s is %(value)s): a restart loses tickets",
                field=field,
                value=str(info[field]),
            )
            advice = _("Look at the store's disk and its log.")
            yield error("store_forgets", what, see="deskhand doctor", act="df -h", weight=950, advice=advice)


def disk_full(look: Look) -> Iterator[Finding]:
    """The disks that can be seen from here: history's, and the store's where it is on this machine."""
    info = look.store
    store = (int(info.get("disk_free_bytes", 0)), int(info.get("disk_bytes", 0)))
    for whose, room in (("store", store), ("history", least_room(look.fleet))):
        if room and room[1] and room[0] < DISK_SHARE * room[1]:
            said = DISKS[whose]
            what = _(said, left=round(room[0] / 1e6), all=round(room[1] / 1e6))
            yield error(f"{whose}_disk", what, see="df -h", act="df -h", weight=700, advice=translated(ROOM[whose]))


CHECKS = (switched_off, unserved, frozen, backlog, flood, store_full, disk_full)
