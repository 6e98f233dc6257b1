"""The doctor's checks of what is to be reached from here: a connection and no more; nothing is sent."""

import asyncio
import os
from urllib.parse import urlsplit

from fallbacks.access.api_keys import ApiKeys
from fallbacks.delivery.http_targets import TargetRefused, checked_address
from worker.config.settings import Settings
from worker.ops.doctor import Check, failed, masked_url, passed, warned
from worker.ops.doctor_settings import is_loopback
from worker.wiring import Parts

CONNECT_SECONDS = 2.0
KEY_CHARACTERS = 20
"""Of a random key that nobody guesses."""

PORTS = {"http": 80, "https": 443, "imap": 143, "imaps": 993}


async def reached(parts: Parts) -> list[Check]:
    """Every one that is set, all at once."""
    settings = parts.settings
    wanted = [("model", url, variable, True) for url, variable in _endpoints(settings).items()]
    wanted += [(name, str(url), variable, False) for name, (url, variable) in _others(settings).items() if url]
    checks = [_connects(name, url, setting, needed=needed) for name, url, setting, needed in wanted if url]
    found = list(await asyncio.gather(*checks, *([_webhook(parts)] if settings.webhook_url else [])))
    return [*found, _alert_sinks(parts)]


def _others(settings: Settings) -> dict[str, tuple[object, str]]:
    """What work goes on without, and the variable that names it."""
    dsn = settings.sentry_dsn.get_secret_value() if settings.sentry_dsn else None
    traces = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
    return {
        "alert webhook": (settings.alert_webhook_url, "DESKHAND_ALERT_WEBHOOK_URL"),
        "Sentry": (dsn, "DESKHAND_SENTRY_DSN"),
        "customer directory": (settings.customers_url, "DESKHAND_CUSTOMERS_URL"),
        "team notices": (settings.notify_url, "DESKHAND_NOTIFY_URL"),
        "mailbox": (settings.imap_url, "DESKHAND_IMAP_URL"),
        "traces": (next(filter(None, map(os.environ.get, traces)), None), traces[-1]),
    }


def _alert_sinks(parts: Parts) -> Check:
    """A worker of `handoff` makes them at its start, and one that cannot be made ends it."""
    try:
        names = [sink.name for sink in parts.alert_sinks]
    except Exception as error:  # the SDK's own errors, and a missing extra
        change = "correct DESKHAND_SENTRY_DSN, or install deskhand[sentry]: every worker of handoff ends at its start"
        return failed("alert receivers", f"{type(error).__name__}: {error}", change)
    return passed("alert receivers", ", ".join(names) or "none")


async def _webhook(parts: Parts) -> Check:
    """Where outcomes go: an address that may be called, and somebody who listens."""
    url, private = str(parts.settings.webhook_url), parts.settings.webhook_allow_private
    split = urlsplit(url)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await checked_address(split.hostname or "", _port(url), allow_private=private)
    except TargetRefused as error:
        return failed("webhook", str(error), "no outcome leaves: correct DESKHAND_WEBHOOK_URL, or allow it")
    except TimeoutError:
        return warned("webhook", f"{split.hostname} has no address within {CONNECT_SECONDS:g} s", "look at the DNS")
    return await _connects("webhook", url, "DESKHAND_WEBHOOK_URL", needed=False)


def _endpoints(settings: Settings) -> dict[str, str]:
    """Where models are asked besides their makers' own, and the variable that says so."""
    return {
        url: "DESKHAND_MODELS" if entry.url else f"{entry.make.upper()}_BASE_URL"
        for entry in settings.entries
        if (url := settings.url_of(entry))
    }


async def _connects(name: str, url: str, variable: str, *, needed: bool) -> Check:
    """needed: without it nothing is worked. variable: the one to correct."""
    shown, host = masked_url(url, whole=not needed), urlsplit(url).hostname or ""
    if _by_proxy(url):
        return passed(name, f"{shown}, through a proxy: not tried")
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(host, _port(url))
        writer.close()
    except (OSError, TimeoutError) as error:
        found = f"{shown}: {error or f'no connection within {CONNECT_SECONDS:g} s'}"
        change = f"start it, or correct {variable}"
        return failed(name, found, change) if needed else warned(name, found, change)
    return passed(name, f"{shown} takes connections")


def _port(url: str) -> int:
    split = urlsplit(url)
    return split.port or PORTS.get(split.scheme, 443)


def _by_proxy(url: str) -> bool:
    scheme = urlsplit(url).scheme
    named = (f"{scheme}_proxy", "all_proxy")
    return not is_loopback(urlsplit(url).hostname or "") and any(
        os.environ.get(name) or os.environ.get(name.upper()) for name in named
    )


async def keys_for(parts: Parts) -> Check:
    """Who may call `/v1` from outside of this machine."""
    settings = parts.settings
    exist = await ApiKeys(parts.store, settings.api_keys).exist()
    if short := sum(len(key) < KEY_CHARACTERS for key in settings.api_keys):
        found = f"by key, of which {short} of DESKHAND_API_KEYS has fewer than {KEY_CHARACTERS} characters"
        return warned("API access", found, "who guesses it may do everything: `openssl rand -hex 24` makes one")
    if exist:
        return passed("API access", "by key")
    if is_loopback(settings.host):
        return passed("API access", "every program of this machine, without a key")
    found = f"the web process is on {settings.host} and there is no key: nobody may call /v1"
    return warned("API access", found, "`deskhand keys create NAME`")
