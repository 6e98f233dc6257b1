"""How a setting's value is read from its text. Each raises `ValueError` with what is wrong, and no secret in it."""

import json
from ipaddress import ip_network
from typing import Any

from pydantic import SecretStr

from fallbacks.store.urls import checked_http, split_url
from worker.config.models import read_headers


def unlimited(value: Any) -> Any:
    """`None` and absent mean unlimited, 0 means zero."""
    return None if isinstance(value, str) and value.strip().lower() in ("", "none") else value


def listed(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def stripped(value: Any) -> Any:
    """A mounted secret ends in a line break."""
    return value.strip() if isinstance(value, str) else value


def sentry_url(value: SecretStr) -> SecretStr:
    checked_http(dsn := value.get_secret_value().strip())
    parts = split_url(dsn)
    if not parts.username or not parts.path.rpartition("/")[2].isdecimal():
        raise ValueError("must be a DSN such as https://KEY@HOST/PROJECT")
    return SecretStr(dsn)


def mailbox_url(value: str) -> str:
    parts = split_url(value)
    if parts.scheme not in ("imap", "imaps") or not parts.hostname or not parts.username or parts.password:
        raise ValueError("must be imaps://USER@HOST/FOLDER, the password apart from it")
    return value


def header(value: SecretStr) -> SecretStr:
    """Without blanks around it: a file or a secret store's line end would make every call fail."""
    text = value.get_secret_value().strip()
    if not (text.isascii() and text.isprintable()):
        raise ValueError("has characters that no key has")
    return SecretStr(text)


def networks(value: tuple[str, ...]) -> tuple[str, ...]:
    for part in value:
        try:
            ip_network(part, strict=False)
        except ValueError:
            raise ValueError(f"{part!r} is not an address or network such as 10.0.0.0/8") from None
    return value


def headers(value: SecretStr) -> SecretStr:
    read_headers(value.get_secret_value())
    return value


def json_object(value: object) -> object:
    """The mapping that a JSON object is; anything else as it is."""
    if not isinstance(value, str):
        return value
    try:
        return dict(json.loads(value))
    except (TypeError, ValueError, RecursionError):
        raise ValueError('is not a JSON object, such as {"backfill": 0.1}') from None
