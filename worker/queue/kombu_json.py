"""kombu's own JSON, as strangers write it: what it cannot read as one of its types is the object that it is."""

from functools import partial
from typing import Any

from kombu.serialization import registry
from kombu.utils.json import dumps, loads, object_hook


def tolerate_types() -> None:
    """Let kombu read any JSON. An error of its own would end the message: Celery acknowledges what it cannot decode."""
    registry.register(
        "json", dumps, partial(loads, object_hook=_read), content_type="application/json", content_encoding="utf-8"
    )


def _read(found: dict[str, Any]) -> Any:
    try:
        return object_hook(found)
    except Exception:  # of whatever type a stranger names
        return found
