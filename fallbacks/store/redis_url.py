"""Redis and Valkey URLs, judged whole at the start: what can never connect is one line, without its password."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection, parse_url
from redis.exceptions import RedisError

from fallbacks.store.urls import split_url

SENTINEL_PORT, NODE_PORT = 26379, 6379

PLAIN = {"redis": "redis", "rediss": "rediss", "valkey": "redis", "valkeys": "rediss", "unix": "unix"}
"""Scheme -> the one the client knows it by."""

SENTINEL = {f"{scheme}+sentinel": known for scheme, known in PLAIN.items() if scheme != "unix"}

CLUSTER = {f"{scheme}+cluster": known for scheme, known in PLAIN.items() if scheme != "unix"}

EXAMPLES = (
    "redis://HOST:6379/0, rediss://..., unix:///PATH, redis+sentinel://HOST:26379,HOST:26379/NAME/0 "
    "or redis+cluster://HOST:6379,HOST:6379"
)


@dataclass(frozen=True)
class RedisUrl:
    """options: what a connection is made with, secrets too. tls, unix: how it connects.

    sentinels: where to ask for the primary of `service`; empty where the URL names the server. sentinel_options: what
    a connection to one of them is made with. nodes: of a cluster, where to ask for the others; empty where it is none.
    """

    options: Mapping[str, Any] = field(repr=False)
    tls: bool = False
    unix: bool = False
    sentinels: tuple[tuple[str, int], ...] = ()
    service: str = ""
    sentinel_options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    nodes: tuple[tuple[str, int], ...] = ()

    @property
    def named_for_celery(self) -> str:
        """What Celery may show. Its transport gets the rest."""
        host, port = (
            self.sentinels[0]
            if self.sentinels
            else (self.options.get("host", "localhost"), self.options.get("port", 6379))
        )
        return f"redis://{f'[{host}]' if ':' in host else host}:{port}/{self.options.get('db', 0)}"


@cache
def read_redis_url(url: str) -> RedisUrl:
    """Raises `ValueError` with one line that shows nothing of the URL but its scheme and the names of its options."""
    scheme = url.partition("://")[0].lower()
    if "sentinel" in scheme and scheme not in SENTINEL:
        raise ValueError(f"{scheme}:// is not read: write redis+sentinel://HOST:26379,HOST:26379/NAME/0")
    if "cluster" in scheme and scheme not in CLUSTER:
        raise ValueError(f"{scheme}:// is not read: write redis+cluster://HOST:6379,HOST:6379")
    if not any(scheme in known for known in (PLAIN, SENTINEL, CLUSTER)):
        raise ValueError(f"must be a URL such as {EXAMPLES}")
    parts = split_url(url)
    read = _through_sentinel(parts) if scheme in SENTINEL else _cluster(parts) if scheme in CLUSTER else _direct(parts)
    _try_out(read)
    return read


def _direct(parts: SplitResult) -> RedisUrl:
    known = PLAIN[parts.scheme]
    if known != "unix":
        _check_database(parts.path.removeprefix("/"))
    options = _options(parts._replace(scheme=known))
    options.pop("connection_class", None)
    return RedisUrl(options, tls=known == "rediss", unix=known == "unix")


def _through_sentinel(parts: SplitResult) -> RedisUrl:
    user, at, hosts = parts.netloc.rpartition("@")
    service, _, database = parts.path.removeprefix("/").partition("/")
    if not service:
        raise ValueError("names no primary: write redis+sentinel://HOST:26379,HOST:26379/NAME/0")
    _check_database(database)
    known = SENTINEL[parts.scheme]
    options = _options(parts._replace(scheme=known, netloc=f"{user}{at}sentinel", path=f"/{database}"))
    for name in ("connection_class", "host", "port"):
        options.pop(name, None)
    asking = {
        name: options.pop(f"sentinel_{name}") for name in ("username", "password") if f"sentinel_{name}" in options
    }
    return RedisUrl(
        options,
        tls=known == "rediss",
        sentinels=tuple(_host_and_port(host, "a sentinel", SENTINEL_PORT) for host in hosts.split(",")),
        service=service,
        sentinel_options={name: value for name, value in asking.items() if value},
    )


def _cluster(parts: SplitResult) -> RedisUrl:
    user, at, hosts = parts.netloc.rpartition("@")
    if parts.path.strip("/") not in ("", "0"):
        raise ValueError("names a database, and a cluster has one only: write redis+cluster://HOST:6379,HOST:6379")
    known = CLUSTER[parts.scheme]
    options = _options(parts._replace(scheme=known, netloc=f"{user}{at}cluster", path=""))
    for name in ("connection_class", "host", "port", "db"):
        options.pop(name, None)
    nodes = tuple(_host_and_port(host, "a node", NODE_PORT) for host in hosts.split(","))
    return RedisUrl(options, tls=known == "rediss", nodes=nodes)


def _host_and_port(text: str, what: str, usual: int) -> tuple[str, int]:
    found = urlsplit(f"//{text}")
    if not found.hostname:
        raise ValueError(f"names {what} without a host")
    return found.hostname, found.port or usual


def _check_database(text: str) -> None:
    if text and not text.isdecimal():
        raise ValueError("must end in a database number, as in redis://HOST:6379/0")


def _options(parts: SplitResult) -> dict[str, Any]:
    try:
        return dict(parse_url(f"{parts.scheme}://{parts.netloc}{parts.path}?{parts.query}"))
    except ValueError:
        raise ValueError("has an option with a value that it cannot have (after the question mark)") from None


def _try_out(url: RedisUrl) -> None:
    """Make a connection that is never opened: it refuses what it does not know."""
    options = {name: value for name, value in url.options.items() if name not in ("max_connections", "timeout")}
    kind: Any = UnixDomainSocketConnection if url.unix else SSLConnection if url.tls else Connection
    try:
        kind(**options)
    except TypeError as error:
        raise ValueError(f"has an option that a connection does not know: {str(error).rpartition(' ')[2]}") from None
    except RedisError:
        raise ValueError("ssl_cert_reqs must be `none`, `optional` or `required`") from None
    if url.tls:
        _load_certificates(options)


def _load_certificates(options: Mapping[str, Any]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if any(options.get(name) for name in ("ssl_ca_certs", "ssl_ca_path", "ssl_ca_data")):
            context.load_verify_locations(
                options.get("ssl_ca_certs"), options.get("ssl_ca_path"), options.get("ssl_ca_data")
            )
        if options.get("ssl_certfile"):
            context.load_cert_chain(options["ssl_certfile"], options.get("ssl_keyfile"), options.get("ssl_password"))
    except OSError as error:  # ssl's own errors are of this kind
        files = [options[name] for name in ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile") if options.get(name)]
        raise ValueError(f"its certificates cannot be read ({', '.join(files)}): {error.strerror or error}") from None
