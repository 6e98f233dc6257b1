import pytest

from worker.config.errors import SettingsError
from worker.config.models import Make, read_headers, read_model
from worker.config.settings import Settings, load_settings


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
        "amqps://u:s3cret@h:5671//?ssl_cert_reqs=CERT_REQUIRED",
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
    "OPENAI_BASE_URL": ("api.openai.com/v1",),
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


MODELS = {
    "local": ("local", Make.LOCAL, "", None),
    "claude-haiku-5-5": ("claude-haiku-5-5", Make.ANTHROPIC, "claude-haiku-5-5", None),
    "anthropic:claude-haiku-5-5": ("claude-haiku-5-5", Make.ANTHROPIC, "claude-haiku-5-5", None),
    "anthropic:claude-haiku-5-5@http://proxy:1/": (
        "anthropic:claude-haiku-5-5@http://proxy:1", Make.ANTHROPIC, "claude-haiku-5-5", "http://proxy:1",
    ),
    "openai:gpt-5-mini": ("openai:gpt-5-mini", Make.OPENAI, "gpt-5-mini", None),
    "openai:qwen3:8b@http://gpu:8080/v1": (
        "openai:qwen3:8b@http://gpu:8080/v1", Make.OPENAI, "qwen3:8b", "http://gpu:8080/v1",
    ),
    "bedrock:arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.claude-haiku-4-5-20251001-v1:0": (
        "bedrock:arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.claude-haiku-4-5-20251001-v1:0",
        Make.BEDROCK, "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.claude-haiku-4-5-20251001-v1:0", None,
    ),
    "vertex:claude-haiku-4-5@20251001@http://proxy:1/v1": (
        "vertex:claude-haiku-4-5@20251001@http://proxy:1/v1", Make.VERTEX, "claude-haiku-4-5@20251001",
        "http://proxy:1/v1",
    ),
    "openai:@cf/meta/llama-4": ("openai:@cf/meta/llama-4", Make.OPENAI, "@cf/meta/llama-4", None),
}  # fmt: skip


@pytest.mark.parametrize("entry", MODELS)
def test_an_entry_of_the_models_is_read_and_named(entry: str) -> None:
    read = read_model(entry)
    assert (read.name, read.make, read.id, read.url) == MODELS[entry]
    assert read_model(read.name) == read


WRONG_MODELS = {
    "qwen3:8b": "'qwen3:8b' names no make",
    "gemini:pro@http://h": "'gemini:pro' names no make",
    "openai:": "has no model's id",
    ":gpt": "names no make",
    "openai:gpt 5": "has no model's id",
    "local:small": "local takes neither an id nor a URL",
    "local@http://h": "local takes neither an id nor a URL",
    "openai:qwen3@gpu:8080/v1": "is not an http one: write @http://HOST:PORT/v1",
    "openai:qwen3@ftp://user:s3cret@h/v1": "is not an http one",
    "openai:qwen3@user:s3cret@h/v1": "is not an http one",
    "systemone:nimble@//user:s3cret@h": "is not an http one",
    "openai:qwen3@http://": "must be a URL such as https://HOST/PATH",
    "openai:qwen3@http://user:s3cret@h/v1": "a model's URL holds no user, key or query",
    "openai:qwen3@http://h/v1?key=s3cret": "a model's URL holds no user, key or query",
    "openai:qwen3@http://h:port/v1": "cannot be read as a URL",
}


@pytest.mark.parametrize("entry", WRONG_MODELS)
@pytest.mark.parametrize("setting", ["MODEL", "MODELS"])
def test_an_entry_that_is_none_stops_the_start_with_one_line(
    monkeypatch: pytest.MonkeyPatch, setting: str, entry: str
) -> None:
    monkeypatch.setenv(f"DESKHAND_{setting}", entry)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    (fault,) = refused.value.faults
    assert fault.startswith(f"DESKHAND_{setting}: ")
    assert WRONG_MODELS[entry] in fault
    assert "\n" not in fault
    assert "s3cret" not in fault


def test_a_makers_own_model_needs_its_key_and_one_that_is_served_elsewhere_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DESKHAND_MODELS", "openai:gpt-5-mini")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert "needs OPENAI_API_KEY" in refused.value.faults[0]
    monkeypatch.setenv("OPENAI_BASE_URL", "http://gateway:1/v1")
    load_settings()
    monkeypatch.delenv("OPENAI_BASE_URL")
    monkeypatch.setenv("DESKHAND_MODELS", "local,openai:qwen3@http://gpu:8080")
    assert load_settings().tiers == ("local", "openai:qwen3@http://gpu:8080")


@pytest.mark.parametrize(
    ("model", "variables"),
    [
        ("bedrock:anthropic.claude-haiku-5-5", ("AWS_REGION",)),
        ("vertex:claude-haiku-5-5", ("CLOUD_ML_REGION", "ANTHROPIC_VERTEX_PROJECT_ID")),
    ],
)
def test_a_cloud_needs_to_know_where(monkeypatch: pytest.MonkeyPatch, model: str, variables: tuple[str, ...]) -> None:
    monkeypatch.setenv("DESKHAND_MODELS", model)
    for name in variables:
        monkeypatch.delenv(name, raising=False)
        with pytest.raises(SettingsError) as refused:
            load_settings()
        assert f"needs {' and '.join(variables)}" in refused.value.faults[0]
        monkeypatch.setenv(name, "desk-1")
    assert load_settings().tiers == (model,)


@pytest.mark.parametrize("value", ["no colon s3cret", "Name:", "Bad Name: s3cret", "A: s3\x07cret"])
def test_headers_that_are_none_are_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("DESKHAND_OPENAI_HEADERS", value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert refused.value.faults == ["DESKHAND_OPENAI_HEADERS: must be headers such as `Name: value, Other: value`"]


def test_headers_are_read_by_commas_and_lines() -> None:
    assert read_headers("HTTP-Referer: https://desk.example/x, X-Title: a b\napi-key:k") == {
        "HTTP-Referer": "https://desk.example/x",
        "X-Title": "a b",
        "api-key": "k",
    }


NUMBERS = [
    name
    for name, field in Settings.model_fields.items()
    if any(kind in str(field.annotation) for kind in ("int", "float", "Decimal"))
]


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_that_the_ledger_could_not_count_with_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for value in ("nan", "inf", "-1", "1e400", "9" * 30, "9" * 5000):
        monkeypatch.setenv(f"DESKHAND_{name.upper()}", value)
        with pytest.raises(SettingsError) as refused:
            load_settings()
        (fault,) = refused.value.faults
        assert (fault.startswith(f"DESKHAND_{name.upper()}: "), len(fault) < 200) == (True, True)


def test_cold_days_without_a_place_for_cold_documents_stop_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESKHAND_COLD_DAYS", "400")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert refused.value.faults == ["DESKHAND_COLD_DAYS needs DESKHAND_COLD_URL: where documents of old months go"]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SOURCE_WEIGHTS", '{"backfill": 0}', "greater than or equal to 0.01"),
        ("SOURCE_WEIGHTS", "[1]", "is not a JSON object"),
        ("SLA_SECONDS", '{"soon": 5}', "'soon' is neither a priority nor label:NAME or team:NAME"),
        ("BUSINESS_HOURS", "always", "'always' is not an opening"),
        ("HOLIDAYS", "2026-12-25", "DESKHAND_HOLIDAYS needs DESKHAND_BUSINESS_HOURS"),
    ],
)
def test_shares_targets_and_hours_that_are_none_are_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"DESKHAND_{name}", value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert said in refused.value.faults[0]


def test_shares_and_targets_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESKHAND_SOURCE_WEIGHTS", '{"backfill": 0.1}')
    monkeypatch.setenv("DESKHAND_SLA_SECONDS", '{"urgent": 600, "label:refund": 7200}')
    settings = load_settings()
    assert settings.source_weights == {"backfill": 0.1}
    assert settings.sla_seconds == {"urgent": 600, "label:refund": 7200}


CLUSTER = "redis+cluster://h:6379,i:6379"


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"REDIS_URL": CLUSTER}, "DESKHAND_REDIS_URL names a cluster"),
        ({"REDIS_URL": CLUSTER, "BROKER_URL": CLUSTER}, "DESKHAND_BROKER_URL names a cluster"),
    ],
    ids=["no broker", "a cluster as broker"],
)
def test_a_cluster_stops_the_start_where_it_would_not_do(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], fault: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"DESKHAND_{name}", value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert [fault in line for line in refused.value.faults] == [True]


def test_a_cluster_with_a_broker_of_its_own_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESKHAND_REDIS_URL", CLUSTER)
    monkeypatch.setenv("DESKHAND_BROKER_URL", "amqp://h//")
    assert load_settings().redis_url == CLUSTER
