"""What a message on a Celery queue must be before Celery may see it. Pure: a decoded envelope in, its fault out.

Celery and kombu log and drop, crash on, or loop over what breaks these rules (measured; tests/worker/queue/poison.py).
"""

import base64
import binascii
import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

JSON_TYPE = "application/json"
ENCODINGS = ("utf-8", "utf8", "us-ascii", "ascii")
UNUSED = ("callbacks", "errbacks", "chain", "chord")
"""What a message may ask for after its task. We run none of it, so a message that asks is not silently half obeyed."""


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
    if properties.get("body_encoding") not in (None, "base64"):
        return "the body is in an unknown transfer encoding"
    body = envelope.get("body")
    if not isinstance(body, str):
        return "the message has no body"
    try:
        raw = base64.b64decode(body, validate=True) if properties.get("body_encoding") else body.encode()
    except (binascii.Error, ValueError):
        return "the body is not base64"
    return body_fault(raw, envelope.get("content-type"), envelope.get("content-encoding"))


def headers_fault(headers: Any, task_names: Collection[str]) -> str | None:
    """Why Celery could not dispatch on these headers, or None."""
    if not isinstance(headers, dict):
        return "the message has no headers"
    for name in ("task", "id"):
        if not isinstance(headers.get(name), str) or not headers[name]:
            return f"the headers name no {name}"
    if headers["task"] not in task_names:
        return f"there is no task {headers['task'][:80]!r}"
    if headers.get("compression"):
        return "compressed messages are not taken"
    for name in ("eta", "expires"):
        if headers.get(name) is not None and not _is_time(headers[name]):
            return f"the header {name} is no ISO 8601 time"
    limits = headers.get("timelimit")
    if limits is not None and not (isinstance(limits, list | tuple) and len(limits) == 2):
        return "the header timelimit is no pair"
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
    match body:
        case [list(), dict(), None]:
            return None
        case [list(), dict(), dict() as embed]:
            asked = next((name for name in UNUSED if embed.get(name)), None)
            return f"{asked} is not taken" if asked else None
        case _:
            return "the body is not [args, kwargs, embed]"


def _is_time(value: Any) -> bool:
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True
