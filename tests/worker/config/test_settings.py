import pytest

from worker.config.errors import SettingsError
from worker.config.settings import load_settings


def test_a_line_end_after_the_key_is_no_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mounted secrets often have one, and with it no call could be sent."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", " sk-throw-away\n")
    key = load_settings().anthropic_api_key
    assert key is not None
    assert key.get_secret_value() == "sk-throw-away"


@pytest.mark.parametrize("key", ["sk-throw\naway", "sk-throw\u2026away"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", key)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert refused.value.faults == ["ANTHROPIC_API_KEY: has characters that no key has"]


URLS = {
    "DESKHAND_REDIS_URL": ("redis://:s3/cret@h/0", "sentinel://:s3cret@h:1", "redis://u:s3cret@h/notadb"),
    "DESKHAND_BROKER_URL": (
        "amqp://u:s3/cret@h:5672//",
        "amqp://u:s3cret@h:port/",
        "amqp://",
        "rediss://:s3cret@h/0?ssl_cert_reqs=CERT_REQUIRED",
        "sqs://u:s3cret@h",
    ),
    "DESKHAND_WEBHOOK_URL": ("ftp://u:s3cret@h", "https://u:s3cret@h:port/x"),
    "DESKHAND_ALERT_WEBHOOK_URL": ("hooks.example/s3cret",),
    "DESKHAND_CUSTOMERS_URL": ("redis://h",),
    "DESKHAND_NOTIFY_URL": ("//h/s3cret",),
    "DESKHAND_PUBLIC_URL": ("desk.example",),
    "DESKHAND_SENTRY_DSN": ("https://h/s3cret", "s3cret", "https://key@h/s3cret"),
    "DESKHAND_IMAP_URL": ("imaps://user:s3cret@h/INBOX", "https://user@h"),
    "ANTHROPIC_BASE_URL": ("api.anthropic.com",),
}


@pytest.mark.parametrize(("name", "url"), [(name, url) for name, urls in URLS.items() for url in urls])
def test_a_url_that_can_never_work_stops_the_start_with_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, url: str
) -> None:
    monkeypatch.setenv(name, url)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    (fault,) = refused.value.faults
    assert fault.startswith(f"{name}: ")
    assert "\n" not in fault
    assert not any(piece in fault for piece in ("s3", "cret"))


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DESKHAND_BROKER_URL", "amqp://guest:guest@h:5672/%2fvhost"),
        ("DESKHAND_BROKER_URL", "amqps://h"),
        ("DESKHAND_BROKER_URL", "redis+sentinel://a:1,b:2/mymaster/0"),
        ("DESKHAND_REDIS_URL", "redis://h:6379/0\n"),
        ("DESKHAND_ALERT_WEBHOOK_URL", "https://chat.example/hooks/@team#x"),
        ("DESKHAND_SENTRY_DSN", "https://key@sentry.example/42"),
    ],
)
def test_a_url_that_can_work_is_taken(monkeypatch: pytest.MonkeyPatch, name: str, url: str) -> None:
    monkeypatch.setenv(name, url)
    load_settings()
