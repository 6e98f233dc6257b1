"""The 19 raw envelopes that broke or passed stock workers: name -> what a producer would LPUSH."""

import base64
import json
import uuid
from typing import Any

GOOD_BODY = [[], {"ticket": {"source": "raw", "subject": "Card", "body": "My card has not arrived."}}, None]


def envelope(task: str, queue: str, *, drop: tuple[str, ...] = (), **changed: Any) -> dict[str, Any]:
    """A protocol 2 message as a Celery client writes it, with parts changed or dropped."""
    task_id = str(uuid.uuid4())
    body = changed.pop("body", None) or json.dumps(GOOD_BODY)
    message: dict[str, Any] = {
        "body": base64.b64encode(body.encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"lang": "py", "task": task, "id": task_id, "root_id": task_id},
        "properties": {
            "correlation_id": task_id,
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": queue},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid.uuid4()),
        },
        **changed,
    }
    for name in drop:
        message.pop(name, None)
        message.get("properties", {}).pop(name, None)
    return message


def good_envelopes(task: str, queue: str) -> dict[str, str]:
    """As Celery writes it, and the least that is enough."""
    minimal = {
        "body": base64.b64encode(json.dumps(GOOD_BODY).encode()).decode(),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {"task": task, "id": "m1"},
        "properties": {
            "delivery_tag": "x",
            "delivery_info": {"exchange": "", "routing_key": queue},
            "body_encoding": "base64",
        },
    }
    return {"ok": json.dumps(envelope(task, queue)), "ok-minimal": json.dumps(minimal)}


def _nested(levels: int) -> Any:
    found: Any = 1
    for _ in range(levels):
        found = [found]
    return found


def bad_envelopes(task: str, queue: str) -> dict[str, bytes]:
    """Each must end as one rejected message, with the worker alive."""

    def made(**changed: Any) -> bytes:
        return json.dumps(envelope(task, queue, **changed)).encode()

    return {
        "not-json": b"garbage{",
        "not-utf-8": b'\xff\xfe{"a": 1}',
        "json-list": b"[1,2]",
        "json-null": b"null",
        "no-properties": made(drop=("properties",)),
        "no-delivery-tag": made(drop=("delivery_tag",)),
        "no-delivery-info": made(drop=("delivery_info",)),
        "bad-base64": json.dumps({**envelope(task, queue), "body": "%%%"}).encode(),
        "body-not-json": made(body="{{{"),
        "body-wrong-shape": made(body='{"a":1}'),
        "pickle-content-type": made(**{"content-type": "application/x-python-serialize"}),
        "unknown-content-type": made(**{"content-type": "application/zzz"}),
        "unknown-task": made(headers={"task": "nope.nope", "id": "u1"}),
        "headers-null": made(headers=None),
        "no-id": made(headers={"task": task}),
        "bad-args": made(body=json.dumps([["a", "b", "c", "d"], {}, None])),
        "bad-eta": made(headers={"task": task, "id": "e1", "eta": "zzz"}),
        "deep-json": made(body="[" * 100_000 + "]" * 100_000),
        "deep-envelope": b"[" * 100_000 + b"]" * 100_000,
        "deep-ticket": made(body=json.dumps([[], {"ticket": _nested(700)}, None])),
        "compressed": made(headers={"task": task, "id": "c1", "compression": "application/x-gzip"}),
        "chained": made(body=json.dumps([[], {}, {"callbacks": [{"task": "tasks.hand_off"}]}])),
        "bad-number": made(body="[[], {}, 0x10]"),
    }
