"""Is this deployment fit to keep tickets? Small checks, each a value: what was found, and what to change.

Nothing is sent to a model's API. `deskhand doctor` prints the checks; any `fail` means: not ready.
"""

import importlib.metadata
import importlib.util
import ipaddress
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from worker.config import sources
from worker.config.models import Make, ModelEntry
from worker.config.own_settings import of_process, of_tool
from worker.config.settings import LOCAL, PREFIX, Settings
from worker.ops.redis_facts import StoreFacts

OLDEST_STORE = (6, 2)
ADVISED_STORE = (7, 0)
FULL_SHARE = 0.9
CROWDED_SHARE = 0.75
SKEW_SECONDS = 2.0
WRONG_CLOCK_SECONDS = 60.0
PACKAGES = ("deskhand", "celery", "kombu", "redis", "pydantic", "anthropic", "genai-prices", "typer", "rich")
"""Packages whose versions a report of trouble should name."""

_TOKEN_IN_PATH = frozenset({"alert_webhook_url"})
"""Settings whose URL is itself a secret, as chat services make them."""


class Verdict(StrEnum):
    """fail: not ready. warn: works, but look at it."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. change: what to do about it, "" where nothing is to be done."""

    name: str
    verdict: Verdict
    found: str
    change: str = ""


def passed(name: str, found: str) -> Check:
    """Nothing to do."""
    return Check(name, Verdict.OK, found)


def warned(name: str, found: str, change: str) -> Check:
    """It works; better change it."""
    return Check(name, Verdict.WARN, found, change)


def failed(name: str, found: str, change: str) -> Check:
    """Not ready."""
    return Check(name, Verdict.FAIL, found, change)


def shown_settings(settings: Settings) -> dict[str, str]:
    """Every setting by its variable's name, secrets masked."""
    shown = {}
    for name, field in type(settings).model_fields.items():
        variable = field.validation_alias if isinstance(field.validation_alias, str) else f"{PREFIX}{name.upper()}"
        shown[variable] = _shown(name, getattr(settings, name))
    brought = sorted({*settings.allowed_tools} - settings.described.keys())
    namespaces = [of_process(settings.process), *map(of_tool, brought)]
    return shown | {name: _shown(name, value) for each in namespaces for name, value in each.shown().items()}


def _shown(name: str, value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, SecretStr) or (name == "api_keys" and value):
        return "********"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return masked_url(str(value), whole=name in _TOKEN_IN_PATH) if "://" in str(value) else str(value)


def masked_url(url: str, *, whole: bool = False) -> str:
    """A URL without its password, be it well formed or not, and without its query; with `whole` only where it points.

    A password may hold any character, so everything up to the last `@` is taken for it.
    """
    scheme, _, rest = url.partition("://")
    user, at, place = rest.rpartition("@")
    name, colon, _ = user.partition(":")
    user = f"{name}:********" if colon else "********" if at and scheme in ("http", "https") else name
    place = re.split("[?#]", place, maxsplit=1)[0]
    if whole:
        place = f"{place.partition('/')[0]}/********"
    return f"{scheme}://{user}{at}{place}"


def python(_: Settings) -> Check:
    """The interpreter and the packages that matter."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    return passed("python", f"{sys.version.split()[0]}; {', '.join(versions)}")


def local_extra(settings: Settings) -> Check:
    """The local model's libraries, where it is one of the tiers."""
    if LOCAL not in settings.tiers:
        return passed("local model", "not used")
    if importlib.util.find_spec("sklearn") is None:
        change = 'pip install "deskhand[local]", or set DESKHAND_MODEL to a remote model'
        return failed("local model", "scikit-learn is not installed", change)
    return passed("local model", "installed")


def own_sources(settings: Settings) -> Check:
    """What a deployment with labels of its own has brought beside them: nothing of the sample stands in for it."""
    if lacking := sources.missing(settings):
        return warned("your data", f"none: {', '.join(lacking)}", "set them where you have any; they count as empty")
    sampled = settings.taxonomy is None
    return passed("your data", "the sample's labels: what is not set is the sample's, too" if sampled else "all set")


def api_key(settings: Settings) -> Check:
    """Whether a key is there for remote tiers; it is not tried."""
    remote = [entry for entry in settings.entries if entry.make is not Make.LOCAL]
    if not remote:
        return passed("API key", "not needed: the local model does the work")
    found = ", ".join(f"{entry.name} {_asked(entry, settings)}" for entry in remote)
    if open_to_all := [entry.name for entry in remote if _keyed(entry, settings) and _in_the_clear(entry, settings)]:
        change = "use https: whoever is on the way reads the key, and the tickets"
        return warned("API key", f"over plain http, for {', '.join(open_to_all)}", change)
    if bare := [entry.name for entry in remote if not _keyed(entry, settings)]:
        return passed("API key", f"{found}; without a key: {', '.join(bare)}")
    return passed("API key", f"set, for {found}")


def _keyed(entry: ModelEntry, settings: Settings) -> bool:
    """Whether its calls show a key, or a token of its cloud's own credentials."""
    match entry.make:
        case Make.OPENAI:
            return bool(settings.openai_api_key or settings.openai_headers)
        case Make.SYSTEMONE:
            return bool(settings.systemone_api_key or settings.systemone_headers)
        case _:
            return True


def _in_the_clear(entry: ModelEntry, settings: Settings) -> bool:
    """Whether its calls leave this machine unencrypted."""
    url = urlsplit(settings.url_of(entry) or "")
    return url.scheme == "http" and not _loopback(url.hostname or "")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _asked(entry: ModelEntry, settings: Settings) -> str:
    """Where an entry's calls go."""
    return "" if entry.url else f"at {settings.url_of(entry) or 'the SDK default'}"


def secrets(settings: Settings) -> Check:
    """Where outcomes and alerts go."""
    targets = {
        "webhook": settings.webhook_url,
        "alert webhook": settings.alert_webhook_url,
        "Sentry": settings.sentry_dsn,
    }
    configured = [name for name, target in targets.items() if target is not None]
    if settings.sentry_dsn is None and settings.alert_webhook_url is None:
        change = "set DESKHAND_SENTRY_DSN or DESKHAND_ALERT_WEBHOOK_URL: otherwise failures show only in the inbox"
        return warned("alerts", "nobody is alerted", change)
    return passed("alerts", ", ".join(configured))


SETTINGS_CHECKS: tuple[Callable[[Settings], Check], ...] = (python, local_extra, own_sources, api_key, secrets)


def store_version(facts: StoreFacts) -> Check:
    """Old servers lack commands that the scripts use."""
    name = "Valkey" if "valkey_version" in facts.info else "Redis"
    version = str(facts.info.get("valkey_version") or facts.info.get("redis_version", "0"))
    found, number = f"{name} {version}", tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if number < OLDEST_STORE:
        return failed("store version", found, "use Redis 6.2 or newer, or Valkey; 7 or newer is advised")
    if number < ADVISED_STORE:
        return warned("store version", found, "it works; 7 or newer is advised")
    return passed("store version", found)


def store_mode(facts: StoreFacts) -> Check:
    """The scripts touch many keys at once and write."""
    mode, role = facts.info.get("redis_mode", "standalone"), facts.info.get("role", "master")
    if facts.info.get("cluster_enabled") or mode != "standalone":
        change = "set DESKHAND_REDIS_URL to redis+cluster://HOST:6379: redis:// does not find a script's keys"
        return failed("store mode", str(mode if mode != "standalone" else "cluster"), change)
    if role != "master":
        return failed("store mode", f"a {role}, which takes no writes", "point DESKHAND_REDIS_URL at the primary")
    return passed("store mode", "one primary")


def cluster_state(facts: Mapping[str, StoreFacts]) -> Check:
    """The same of a cluster, by node."""
    strange = [at for at, each in facts.items() if not each.info.get("cluster_enabled")]
    if strange:
        return failed("store mode", f"no node of a cluster: {', '.join(strange)}", "correct DESKHAND_REDIS_URL")
    found = f"a cluster of {len(facts)} masters"
    bare = [at for at, each in facts.items() if not int(each.info.get("connected_slaves", 0))]
    if bare:
        change = "give each master a replica: without one its part of the tickets stands still while it is away"
        return warned("store mode", f"{found}; without a replica: {', '.join(bare)}", change)
    return passed("store mode", found)


def worst_of(checks: Mapping[str, Check]) -> Check:
    """One check of many servers, by address: the worst, and where it is."""
    order = [Verdict.OK, Verdict.WARN, Verdict.FAIL]
    at, worst = max(checks.items(), key=lambda pair: order.index(pair[1].verdict))
    return replace(worst, found=f"{at}: {worst.found}") if at else worst


def eviction(facts: StoreFacts) -> Check:
    """A store that evicts loses tickets."""
    policy = str(facts.info.get("maxmemory_policy", "unknown"))
    if policy != "noeviction":
        return failed("maxmemory-policy", policy, "CONFIG SET maxmemory-policy noeviction, and in its configuration")
    return passed("maxmemory-policy", policy)


def append_only(facts: StoreFacts) -> Check:
    """A store without an append-only file forgets everything when it restarts."""
    if not facts.info.get("aof_enabled"):
        return failed("appendonly", "no", "CONFIG SET appendonly yes, and in its configuration")
    if facts.append_faults:
        return failed("appendonly", ", ".join(facts.append_faults), "look at the store's log and its disk")
    return passed("appendonly", "yes")


def append_sync(facts: StoreFacts) -> Check:
    """How much a power cut may take."""
    match facts.appendfsync:
        case None:
            change = "the server hides its configuration: make sure that appendfsync is everysec or always"
            return warned("appendfsync", "unknown", change)
        case "no":
            return failed("appendfsync", "no", "CONFIG SET appendfsync everysec (or always)")
        case "everysec":
            return passed("appendfsync", "everysec: a power cut may take the last second; `always` takes nothing")
        case other:
            return passed("appendfsync", other)


def memory(facts: StoreFacts) -> Check:
    """With noeviction a full store refuses writes."""
    used = int(facts.info.get("used_memory", 0))
    cap = int(facts.info.get("maxmemory", 0)) or int(facts.info.get("total_system_memory", 0))
    found = f"{used / 1e6:.0f} MB used" + (f" of {cap / 1e6:.0f} MB" if cap else "")
    share = used / cap if cap else 0.0
    if share >= FULL_SHARE:
        return failed("store memory", found, "raise maxmemory, or archive: a full store refuses new tickets")
    if share >= CROWDED_SHARE:
        return warned("store memory", found, "plan for more: a full store refuses new tickets")
    if not int(facts.info.get("maxmemory", 0)):
        change = "set maxmemory below what its machine or container has: without one the kernel ends the store"
        return warned("store memory", f"{found}, and no maxmemory", change)
    return passed("store memory", found)


def clocks(facts: StoreFacts) -> Check:
    """Leases and limits run on the store's time; signatures and logs on this machine's."""
    skew = facts.skew_seconds
    found = f"this machine is {abs(skew):.1f} s {'ahead of' if skew >= 0 else 'behind'} the store"
    if abs(skew) >= WRONG_CLOCK_SECONDS:
        return failed("clocks", found, "set the clocks (NTP): receivers refuse webhooks signed at a wrong time")
    if abs(skew) >= SKEW_SECONDS:
        return warned("clocks", found, "set the clocks (NTP); leases and limits are safe, they run on the store's")
    return passed("clocks", found)


STORE_CHECKS: tuple[Callable[[StoreFacts], Check], ...] = (
    store_version,
    store_mode,
    eviction,
    append_only,
    append_sync,
    memory,
    clocks,
)
