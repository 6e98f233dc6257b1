"""What a message on a Celery queue must be before Celery may see it. Pure: a decoded envelope in, its fault out.

Celery and kombu log and drop, crash on, or loop over what breaks these rules (measured; tests/worker/queue/poison.py).
"""

import base64
import binascii
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from worker.queue.compression import unpack

JSON_TYPE = "application/json"
ENCODINGS = ("utf-8", "utf8", "us-ascii", "ascii")
UNUSED = ("callbacks", "errbacks", "chain", "chord")
"""What a message may ask for after its task. We run none of it, so a message that asks is not silently half obeyed."""

ETA, EXPIRES = "deskhand_eta", "deskhand_expires"
OURS = {"eta": ETA, "expires": EXPIRES}
"""Headers that Celery would act upon, and what they are called once they are the ledger's: Celery drops what has
expired without a trace, and holds what is to come until its worker dies."""

DROPPED = ("timelimit", "stamped_headers")
"""Celery kills by the first, and revokes by the second; runs have limits of their own."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST_MS = 253_370_764_800_000
"""The year 9999: later times are taken for it."""


MOST_LEVELS = 50
"""Of lists and objects in each other. Python reads far more of them than it can write again deeper in its stack."""


@dataclass(frozen=True, slots=True)
class Times:
    """What a producer's client asked for, in ms since the epoch; None where it did not.

    not_before_ms: eta or countdown. expires_ms: when it no longer wants an answer by the agent.
    """

    not_before_ms: int | None = None
    expires_ms: int | None = None


ANY_TIME = Times()


def times_of(request: Mapping[str, Any]) -> Times:
    """Of a task's request, which has every header that Celery does not know."""
    eta, expires = request.get(ETA), request.get(EXPIRES)
    return Times(eta if isinstance(eta, int) else None, expires if isinstance(expires, int) else None)


def carried(headers: dict[str, Any]) -> dict[str, Any]:
    """Faultless headers without what Celery would act upon; its times go on under names of ours."""
    kept = {name: value for name, value in headers.items() if name not in OURS and name not in DROPPED}
    return kept | {ours: _ms(headers[name]) for name, ours in OURS.items() if headers.get(name) is not None}


def fault_of(envelope: Any, task_names: Collection[str]) -> str | None:
    """Why this kombu envelope (protocol 2, body still encoded) cannot be worked, or None."""
    if not isinstance(envelope, dict):
        return "the message is not a JSON object"
    properties = envelope.get("properties")
    if not isinstance(properties, dict):
        return "the message has no properties"
    if not isinstance(properties.get("delivery_tag"), str):
        return "the message has no delivery_tag"
    if not isinstance(properties.get("delivery_info"), dict):
        return "the message has no delivery_info"
    if fault := headers_fault(envelope.get("headers"), task_names):
        return fault
    try:
        raw = _raw_body(envelope)
    except ValueError as error:
        return str(error)
    return body_fault(raw, envelope.get("content-type"), envelope.get("content-encoding"))


def _raw_body(envelope: Mapping[str, Any]) -> bytes:
    """Decoded and unpacked. Raises `ValueError` with the fault."""
    encoding, body = envelope["properties"].get("body_encoding"), envelope.get("body")
    if encoding not in (None, "base64"):
        raise ValueError("the body is in an unknown transfer encoding")
    if not isinstance(body, str):
        raise ValueError("the message has no body")  # noqa: TRY004 - the one error of this function
    try:
        raw = base64.b64decode(body, validate=True) if encoding else body.encode()
    except (binascii.Error, ValueError):
        raise ValueError("the body is not base64") from None
    compression = envelope["headers"].get("compression")
    return unpack(raw, compression) if compression else raw


def headers_fault(headers: Any, task_names: Collection[str]) -> str | None:
    """Why Celery could not dispatch on these headers, or None."""
    if not isinstance(headers, dict):
        return "the message has no headers"
    for name in ("task", "id"):
        if not isinstance(headers.get(name), str) or not headers[name]:
            return f"the headers name no {name}"
    if headers["task"] not in task_names:
        return f"there is no task {headers['task'][:80]!r}"
    for name in OURS:
        if headers.get(name) is not None and not _is_time(headers[name]):
            return f"the header {name} is not an ISO 8601 time"
    return None


def body_fault(raw: bytes, content_type: Any, encoding: Any) -> str | None:
    """Why this body cannot be read as [args, kwargs, embed] in JSON, or None."""
    if content_type != JSON_TYPE:
        return f"the content type is {str(content_type)[:80]!r}, not {JSON_TYPE}"
    if str(encoding or "utf-8").lower() not in ENCODINGS:
        return f"the content encoding is {str(encoding)[:80]!r}, not utf-8"
    try:
        body = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return "the body is not UTF-8"
    except RecursionError:
        return "the body is nested too deeply"
    except ValueError:
        return "the body is not JSON"
    if raw.count(b"[") + raw.count(b"{") > MOST_LEVELS and too_deep(body):
        return "the body is nested too deeply"
    match body:
        case [list(), dict(), None]:
            return None
        case [list(), dict(), dict() as embed]:
            asked = next((name for name in UNUSED if embed.get(name)), None)
            return f"{asked} is not taken" if asked else None
        case _:
            return "the body is not [args, kwargs, embed]"


def too_deep(value: Any) -> bool:
    """Whether JSON that was read has more than `MOST_LEVELS`."""
    level = [value]
    for _ in range(MOST_LEVELS):
        holding = (found for found in level if isinstance(found, list | dict))
        level = [inside for found in holding for inside in (found if isinstance(found, list) else found.values())]
    return bool(level)


def _is_time(value: Any) -> bool:
    try:
        _ms(value)
    except (TypeError, ValueError):
        return False
    return True


def _ms(iso: str) -> int:
    """A time without an offset is UTC, as Celery's own clients write it."""
    when = datetime.fromisoformat(iso)
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return min(max((aware - EPOCH) // timedelta(milliseconds=1), 0), LATEST_MS)
