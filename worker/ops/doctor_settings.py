"""The doctor's checks of settings against each other: each is valid alone, and together they may not be."""

import ipaddress

from fallbacks.store.redis_batches import TRIP_SECONDS
from worker.config.settings import Settings
from worker.ops.doctor import Check, passed, warned

BEATS = 3
"""A lease is renewed as often; a renewal may take as long as the store may be silent before it is asked again."""


def times(settings: Settings) -> Check:
    """A call fits into a run, and a run into what a stopping worker is given."""
    call, run = settings.call_seconds, settings.max_seconds
    found = f"a call may take {call:g} s, a run {'as long as it wants' if run is None else f'{run:g} s'}"
    if run is not None and call > run:
        change = "lower DESKHAND_CALL_SECONDS, or raise DESKHAND_MAX_SECONDS: the run ends before such a call does"
        return warned("times", found, change)
    return passed("times", found)


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


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine can reach the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


CHECKS = (times, lease, public_url)
