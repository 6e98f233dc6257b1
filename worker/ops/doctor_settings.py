"""The doctor's checks of settings against each other: each is valid alone, and together they may not be."""

import ipaddress

from fallbacks.store.redis_batches import TRIP_SECONDS
from worker.config.models import Make
from worker.config.settings import PREFIX, Settings
from worker.ops.doctor import Check, passed, warned

BEATS = 3
"""A lease is renewed as often; a renewal may take as long as the store may be silent before it is asked again."""

GRACE_SECONDS = 90
"""`stop_grace_period` and `terminationGracePeriodSeconds`."""

OF_WORK = ("max_steps", "max_tokens", "max_seconds", "max_wait_seconds", "requester_tickets_per_hour")
OF_MONEY = ("max_cost_usd", "daily_budget_usd")


def times(settings: Settings) -> Check:
    """A call fits into a run, and a run into what a stopping worker is given."""
    call, run = settings.call_seconds, settings.max_seconds
    found = f"a call may take {call:g} s, a run {'as long as it wants' if run is None else f'{run:g} s'}"
    if run is not None and call > run:
        change = "lower DESKHAND_CALL_SECONDS, or raise DESKHAND_MAX_SECONDS: the run ends before such a call does"
        return warned("times", found, change)
    return passed("times", found)


def limits(settings: Settings) -> Check:
    """A limit of 0 is one: nothing is worked under it. None is none."""
    paid = any(entry.make is not Make.LOCAL for entry in settings.entries)
    ours = {name: getattr(settings, name) for name in (*OF_WORK, *(OF_MONEY if paid else ()))}
    if nothing := [f"{PREFIX}{name.upper()}" for name, value in ours.items() if value == 0]:
        change = "leave it unset for no limit, or raise it: every ticket goes to people"
        return warned("limits", f"{', '.join(nothing)}: 0 allows nothing", change)
    if settings.min_confidence is not None and settings.min_confidence >= 1:
        change = "lower it: what a model claims is hardly ever certain, so that tickets go to people"
        return warned("limits", f"DESKHAND_MIN_CONFIDENCE={settings.min_confidence:g}", change)
    day, run = settings.daily_budget_usd, settings.max_cost_usd
    if paid and day is not None and run is not None and day < run:
        change = "raise DESKHAND_DAILY_BUDGET_USD: the first ticket of a day may use it up"
        return warned("limits", f"a day may cost ${day}, one run ${run}", change)
    return passed("limits", "each allows something")


def drain(settings: Settings) -> Check:
    """A stopping worker ends before whoever stops it loses patience: docker/ gives it 90 seconds."""
    found = f"a stopping worker takes up to {settings.drain_seconds:g} s"
    if settings.drain_seconds >= GRACE_SECONDS:
        change = f"lower DESKHAND_DRAIN_SECONDS, or raise the grace period above it: docker/ has {GRACE_SECONDS} s"
        return warned("drain", found, change)
    return passed("drain", found)


def lease(settings: Settings) -> Check:
    """A lease outlives a renewal that finds the store slow, in the middle of a call that is paid for."""
    least = TRIP_SECONDS * BEATS / (BEATS - 1)
    found = (
        f"{settings.lease_seconds:g} s, renewed every {min(settings.lease_seconds / BEATS, settings.sweep_seconds):g} s"
    )
    if settings.lease_seconds < least:
        change = f"raise DESKHAND_LEASE_SECONDS to {least:g} at least: one slow answer of the store loses paid calls"
        return warned("lease", found, change)
    return passed("lease", found)


def public_url(settings: Settings) -> Check:
    """Where the links of alerts lead."""
    if settings.public_url:
        return passed("links", settings.public_url)
    change = "set DESKHAND_PUBLIC_URL: alerts carry no link to the console, and its cookies are not marked secure"
    if is_loopback(settings.host):
        return passed("links", "none, and the web process is on loopback")
    return warned("links", "alerts have none", change)


def proxies(settings: Settings) -> Check:
    """Whose word on where a request came from is taken."""
    found = ", ".join(settings.trusted_proxies) or "none"
    if any(ipaddress.ip_network(each, strict=False).prefixlen == 0 for each in settings.trusted_proxies):
        change = "set DESKHAND_TRUSTED_PROXIES to your proxy's address: whoever signs in may say to be anybody else"
        return warned("trusted proxies", f"{found}: everybody", change)
    return passed("trusted proxies", found)


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine can reach the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


CHECKS = (times, limits, drain, lease, public_url, proxies)
