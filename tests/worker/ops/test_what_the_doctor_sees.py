"""What the doctor sees before the first ticket does: settings that do not fit, and receivers that are not there."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from fallbacks.store import keys
from tests.services.process import free_port
from tests.worker.cli.conftest import Deskhand, deskhand
from worker.config.settings import Settings
from worker.ops.doctor import Verdict
from worker.ops.doctor_settings import drain, lease, limits, proxies, public_url, times

__all__ = ["deskhand"]

PAID = {"model": "openai:some-model@http://127.0.0.1:1/v1"}


@pytest.fixture
def listening() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(
    ("check", "settings", "verdict"),
    [
        (times, {}, Verdict.OK),
        (times, {"max_seconds": None}, Verdict.OK),
        (times, {"call_seconds": 90.0}, Verdict.WARN),
        (lease, {}, Verdict.OK),
        (lease, {"lease_seconds": 3.0}, Verdict.WARN),
        (limits, {}, Verdict.OK),
        (limits, {"max_steps": 0}, Verdict.WARN),
        (limits, {"max_wait_seconds": 0.0}, Verdict.WARN),
        (limits, {"requester_tickets_per_hour": 0}, Verdict.WARN),
        (limits, {"min_confidence": 1.0}, Verdict.WARN),
        (limits, {"daily_budget_usd": 0}, Verdict.OK),
        (limits, {**PAID, "daily_budget_usd": 0}, Verdict.WARN),
        (limits, {**PAID, "daily_budget_usd": "0.01"}, Verdict.WARN),
        (limits, {**PAID, "daily_budget_usd": 20, "max_cost_usd": None}, Verdict.OK),
        (drain, {}, Verdict.OK),
        (drain, {"drain_seconds": 600.0}, Verdict.WARN),
        (proxies, {"trusted_proxies": ("10.0.0.0/8",)}, Verdict.OK),
        (proxies, {"trusted_proxies": ("10.0.0.1", "::/0")}, Verdict.WARN),
        (public_url, {}, Verdict.OK),
        (public_url, {"host": "0.0.0.0"}, Verdict.WARN),
        (public_url, {"host": "0.0.0.0", "public_url": "https://desk.example"}, Verdict.OK),
    ],
)
def test_settings_are_held_against_each_other(check: Any, settings: dict[str, Any], verdict: Verdict) -> None:
    assert check(Settings(**settings)).verdict is verdict


WEBHOOK = {
    "DESKHAND_WEBHOOK_URL": "URL/in",
    "DESKHAND_WEBHOOK_SECRET": "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ=",
    "DESKHAND_WEBHOOK_ALLOW_PRIVATE": "true",
}
RECEIVERS = {
    "ANTHROPIC_API_KEY": "sk-none",
    "ANTHROPIC_BASE_URL": "URL",
    "DESKHAND_MODEL": "claude-haiku-5-5",
    "DESKHAND_ALERT_WEBHOOK_URL": "URL/hooks/s3cret",
    "DESKHAND_SENTRY_DSN": "http://s3cret@HOST/1",
    "DESKHAND_CUSTOMERS_URL": "URL/customers",
    "DESKHAND_NOTIFY_URL": "URL/notices",
    "DESKHAND_NOTIFY_SECRET": WEBHOOK["DESKHAND_WEBHOOK_SECRET"],
    "DESKHAND_IMAP_URL": "imap://desk@HOST/INBOX",
    "DESKHAND_IMAP_PASSWORD": "s3cret",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "URL/s3cret",
    **WEBHOOK,
}
CLOSED = {"model": "fail", "alert webhook": "warn", "Sentry": "warn", "webhook": "warn"}
CLOSED |= dict.fromkeys(("customer directory", "team notices", "mailbox", "traces"), "warn")


def verdicts(deskhand: Deskhand, monkeypatch: pytest.MonkeyPatch, set_: dict[str, str], url: str) -> dict[str, str]:
    for variable, value in set_.items():
        monkeypatch.setenv(variable, value.replace("URL", url).replace("HOST", url.removeprefix("http://")))
    result = deskhand("doctor", "--json")
    assert "s3cret" not in result.out
    return {check["name"]: check["verdict"] for check in result.json()["checks"]}


def test_receivers_that_are_not_there_are_seen(
    deskhand: Deskhand, monkeypatch: pytest.MonkeyPatch, listening: str
) -> None:
    nobody = verdicts(deskhand, monkeypatch, RECEIVERS, f"http://127.0.0.1:{free_port()}")
    assert {name: nobody[name] for name in CLOSED} == CLOSED
    somebody = verdicts(deskhand, monkeypatch, RECEIVERS, listening)
    assert {somebody[name] for name in CLOSED} == {"ok"}


def test_a_private_webhook_without_leave_is_not_ready(
    deskhand: Deskhand, monkeypatch: pytest.MonkeyPatch, listening: str
) -> None:
    set_ = {**WEBHOOK, "DESKHAND_WEBHOOK_ALLOW_PRIVATE": "false"}
    assert verdicts(deskhand, monkeypatch, set_, listening)["webhook"] == "fail"


def test_alert_receivers_that_cannot_be_made_are_seen(deskhand: Deskhand, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise ValueError("not a DSN")

    monkeypatch.setattr("fallbacks.delivery.sentry_alerts.SentryAlerts.__init__", refuses)
    set_ = {"DESKHAND_SENTRY_DSN": "http://s3cret@HOST/1"}
    assert verdicts(deskhand, monkeypatch, set_, "http://127.0.0.1:1")["alert receivers"] == "fail"


def test_a_history_that_cannot_be_opened_is_another_one_or_none_is_seen(
    deskhand: Deskhand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, valkey_url: str
) -> None:
    def seen(url: str) -> str:
        return verdicts(deskhand, monkeypatch, {"DESKHAND_HISTORY_URL": url}, "")["history"]

    assert seen(f"sqlite://{tmp_path}/new.sqlite") == "ok"
    assert seen("none") == "warn"
    (tmp_path / "file").write_text("no database, and long enough to be none" * 100)
    assert seen(f"sqlite://{tmp_path}/file") == "fail"
    other = {"identity": '{"at":1,"id":"another"}'}
    with Redis.from_url(valkey_url) as client:
        client.hset(f"deskhand:{keys.HISTORY}", mapping=other)
    assert seen(f"sqlite://{tmp_path}/new.sqlite") == "fail"


def test_an_open_address_without_a_key_is_seen(deskhand: Deskhand, monkeypatch: pytest.MonkeyPatch) -> None:
    assert verdicts(deskhand, monkeypatch, {"DESKHAND_HOST": "0.0.0.0"}, "")["API access"] == "warn"
    short = {"DESKHAND_API_KEYS": "dk_guess"}
    assert verdicts(deskhand, monkeypatch, short, "")["API access"] == "warn"
    with_key = {"DESKHAND_API_KEYS": "dk_whole_key_of_the_tests"}
    assert verdicts(deskhand, monkeypatch, with_key, "")["API access"] == "ok"
