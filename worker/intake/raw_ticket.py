"""Reading the bytes of a plain JSON message on queue `intake`. Pure: bytes in, a JSON object or the fault out."""

import base64
import binascii
import json
from typing import Any

from worker.config.errors import WorkerError
from worker.intake.json_bytes import Unpackable, plain

MAX_BYTES = 256 * 1024
"""The contract's limit of one ticket, as over HTTP."""


class UnreadableError(WorkerError):
    """The bytes are not a ticket object; the message says why."""


def read_raw(raw: bytes) -> dict[str, Any]:
    """The ticket object in these bytes. Also takes kombu's own envelope, which a kombu producer wraps around it."""
    found = _object(raw)
    if "properties" in found and isinstance(found.get("body"), str) and "content-encoding" in found:
        return _object(_unwrapped(found))
    return found


def _object(raw: bytes) -> dict[str, Any]:
    if len(raw) > MAX_BYTES:
        raise UnreadableError(f"the message has {len(raw)} bytes; a ticket may have {MAX_BYTES}")
    try:
        found = json.loads(plain(raw, MAX_BYTES).decode("utf-8"), parse_constant=_refuse)
    except UnicodeDecodeError as error:
        raise UnreadableError(f"the message is not UTF-8 (byte {error.start})") from None
    except RecursionError:
        raise UnreadableError("the message is nested too deeply") from None
    except Unpackable as error:
        raise UnreadableError(f"the message: {error}") from None
    except ValueError as error:
        raise UnreadableError(f"the message is not JSON: {str(error)[:100]}") from None
    if not isinstance(found, dict):
        raise UnreadableError("the message is not a JSON object")
    return found


def _unwrapped(envelope: dict[str, Any]) -> bytes:
    properties = envelope["properties"]
    if isinstance(properties, dict) and properties.get("body_encoding") == "base64":
        try:
            return base64.b64decode(envelope["body"], validate=True)
        except (binascii.Error, ValueError):
            raise UnreadableError("the body of the kombu envelope is not base64") from None
    return str(envelope["body"]).encode("utf-8", "surrogatepass")


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
