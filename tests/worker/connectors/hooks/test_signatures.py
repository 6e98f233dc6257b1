"""Only proven calls pass, however a system signs them."""

import base64
import hmac
from datetime import timedelta

import pytest

from tests.worker.connectors.hooks.calls import HOOKS, NOW, event, proof
from worker.connectors.errors import HookRefusedError
from worker.connectors.hook import Hook


def test_githubs_own_example_of_a_signature_is_accepted() -> None:
    shown = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    HOOKS["github"].check({"x-hub-signature-256": shown}, b"Hello, World!", NOW)


@pytest.mark.parametrize("name", HOOKS)
def test_only_proven_calls_pass(name: str) -> None:
    body = event(name)
    headers = proof(name, body, NOW)
    HOOKS[name].check(headers, body, NOW)
    for wrong in ({}, {field: value[:-1] for field, value in headers.items()}, dict.fromkeys(headers, "ü")):
        with pytest.raises(HookRefusedError):
            HOOKS[name].check(wrong, body, NOW)
    if name != "freshdesk":
        with pytest.raises(HookRefusedError):
            HOOKS[name].check(headers, body + b" ", NOW)


def test_an_old_call_is_refused() -> None:
    body = event("zendesk")
    with pytest.raises(HookRefusedError, match="timestamp"):
        HOOKS["zendesk"].check(proof("zendesk", body, NOW), body, NOW + timedelta(minutes=6))


def signed_by(**signature: str) -> Hook:
    whole = {"header": "X-Sign", "secret_env": "S", **signature}
    return Hook.model_validate({"name": "x", "signature": whole, "ticket": {"id": "$.id"}, "secrets": {"S": "key"}})


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_a_signature_may_be_of_any_of_three_kinds(algorithm: str) -> None:
    shown = hmac.new(b"key", b"body", algorithm).hexdigest()
    hook = signed_by(algorithm=algorithm, prefix=f"{algorithm}=")
    hook.check({"x-sign": f"{algorithm}={shown}"}, b"body", NOW)
    with pytest.raises(HookRefusedError):
        hook.check({"x-sign": f"{algorithm}={shown}"}, b"another", NOW)


SECONDS, MILLIS, ISO = str(int(NOW.timestamp())), str(int(NOW.timestamp() * 1000)), NOW.isoformat()
SCHEMES: dict[str, tuple[dict[str, str], str, str, dict[str, str]]] = {
    "Slack, Zoom": (
        {"signed_prefix": "v0:", "separator": ":", "timestamp_header": "X-Time", "prefix": "v0="},
        f"v0:{SECONDS}:BODY",
        "v0=HEX",
        {"x-time": SECONDS},
    ),
    "Stripe": (
        {"signed": "{timestamp}.{body}", "timestamp_key": "t", "prefix": "v1="},
        f"{SECONDS}.BODY",
        f"t={SECONDS},v1=00,v1=HEX,v0=x",
        {},
    ),
    "Paddle": (
        {"signed": "{timestamp}:{body}", "timestamp_key": "ts", "prefix": "h1="},
        f"{SECONDS}:BODY",
        f"ts={SECONDS};h1=HEX",
        {},
    ),
    "Front": (
        {"timestamp_header": "X-Time", "separator": ":", "encoding": "base64"},
        f"{MILLIS}:BODY",
        "B64",
        {"x-time": MILLIS},
    ),
    "HubSpot": (
        {
            "signed": "POSThttps://desk.example/v1/hooks/x{body}{timestamp}",
            "timestamp_header": "X-Time",
            "encoding": "base64",
        },
        f"POSThttps://desk.example/v1/hooks/xBODY{MILLIS}",
        "B64",
        {"x-time": MILLIS},
    ),
    "Square": (
        {"signed": "https://desk.example/v1/hooks/x{body}", "encoding": "base64"},
        "https://desk.example/v1/hooks/xBODY",
        "B64",
        {},
    ),
    "Standard Webhooks": (
        {
            "signed": "{webhook-id}.{timestamp}.{body}",
            "timestamp_header": "X-Time",
            "encoding": "base64",
            "prefix": "v1,",
            "key": "base64",
        },
        f"m1.{SECONDS}.BODY",
        "v1,AAAA v1,B64",
        {"x-time": SECONDS, "webhook-id": "m1"},
    ),
    "Zendesk": ({"timestamp_header": "X-Time", "encoding": "base64"}, f"{ISO}BODY", "B64", {"x-time": ISO}),
    "Help Scout": ({"algorithm": "sha1", "encoding": "base64"}, "BODY", "B64", {}),
    "PagerDuty": ({"prefix": "v1="}, "BODY", "v1=00,v1=HEX", {}),
}


@pytest.mark.parametrize("system", SCHEMES)
def test_a_signature_may_be_made_as_other_systems_make_theirs(system: str) -> None:
    shape, signed, shown, headers = SCHEMES[system]
    secret = "whsec_a2V5" if "key" in shape else "key"
    hook = signed_by(**shape).model_copy(update={"secrets": {"S": secret}})
    made = hmac.new(b"key", signed.replace("BODY", '{"id": 1}').encode(), shape.get("algorithm", "sha256")).digest()
    sent = {**headers, "x-sign": shown.replace("HEX", made.hex()).replace("B64", base64.b64encode(made).decode())}
    hook.check(sent, b'{"id": 1}', NOW)
    for wrong in (b'{"id": 2}', b""):
        with pytest.raises(HookRefusedError, match="does not fit"):
            hook.check(sent, wrong, NOW)
    if "X-Time" in shape.values() or "timestamp_key" in shape:
        with pytest.raises(HookRefusedError, match="too far"):
            hook.check(sent, b'{"id": 1}', NOW + timedelta(hours=1))


@pytest.mark.parametrize(
    ("shape", "fault"),
    [
        ({"signed": "{timestamp}"}, "holds {body}"),
        ({"signed": "{body}", "separator": "."}, "stands without"),
        ({"signed": "{timestamp}.{body}"}, "goes with"),
        ({"signed": "{body}", "timestamp_header": "X-Time"}, "goes with"),
    ],
)
def test_a_signed_text_says_all_that_is_signed(shape: dict[str, str], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        signed_by(**shape)
