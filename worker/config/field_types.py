"""Types of settings: what each may be, read by the code that will use it."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_settings import NoDecode

from fallbacks.access.roles import Role
from fallbacks.history.cold.url import Bucket, read_cold_url
from fallbacks.history.no_history import NONE
from fallbacks.history.sqlite.url import sqlite_path
from fallbacks.store.urls import checked_http, split_url
from tasks.ticket import Priority
from worker.config.errors import WorkerError
from worker.config.models import read_model
from worker.config.prompt_file import load_prompt
from worker.config.values import header, headers, json_object, listed, mailbox_url, networks, stripped, unlimited


def _redis_url(value: str) -> str:
    from fallbacks.store.redis_url import read_redis_url  # whoever sets one needs the client anyway

    read_redis_url(value)
    return value


def _broker_url(value: str) -> str:
    if not value.startswith(("amqp", "pyamqp")):
        return _redis_url(value)
    parts = split_url(value)
    if parts.scheme not in ("amqp", "amqps", "pyamqp") or not parts.hostname:
        raise ValueError("must be a URL such as amqp://USER:PASSWORD@HOST:5672/VHOST")
    if "ssl_" in parts.query:
        raise ValueError("has options of TLS, which amqps:// does not read: SSL_CERT_FILE names another authority")
    return value


def _history_url(value: str) -> str:
    if value.startswith("postgres"):
        try:
            from fallbacks.history.postgres.url import read_postgres_url  # an extra, for whoever sets it
        except ImportError:
            raise ValueError('needs the extra `postgres`: pip install "deskhand[postgres]"') from None
        return read_postgres_url(value)
    if value != NONE:
        sqlite_path(value, Path())
    return value


def roles_of(value: object) -> object:
    """`GROUP=ROLE, GROUP=ROLE` as a mapping; anything else as it is."""
    if not isinstance(value, str):
        return value
    pairs = [part.strip().rpartition("=") for part in value.split(",") if part.strip()]
    for group, equals, role in pairs:
        if not equals or not group.strip() or role.strip() not in list(Role):
            raise ValueError(f"is written GROUP=ROLE, GROUP=ROLE; a role is one of {', '.join(Role)}")
    return {group.strip(): Role(role.strip()) for group, _, role in pairs}


def teams_of(value: object) -> object:
    """`GROUP=TEAM, GROUP=TEAM` as a mapping to all teams of a group; anything else as it is."""
    if not isinstance(value, str):
        return value
    found: dict[str, tuple[str, ...]] = {}
    for group, equals, team in (part.strip().rpartition("=") for part in value.split(",") if part.strip()):
        if not equals or not group.strip() or not team.strip():
            raise ValueError("is written GROUP=TEAM, GROUP=TEAM")
        found[group.strip()] = (*found.get(group.strip(), ()), team.strip())
    return found


def _cold_url(value: str) -> str:
    if isinstance(read_cold_url(value), Bucket) and find_spec("botocore") is None:
        raise ValueError('needs the extra `s3`: pip install "deskhand[s3]"')
    return value


def model_name(value: str | None) -> str | None:
    """Its name as it is written down. Raises `ValueError`."""
    return None if value is None else read_model(value).name


def model_names(value: tuple[str, ...]) -> tuple[str, ...]:
    """The same of each."""
    return tuple(read_model(entry).name for entry in value)


def readable_seal(value: SecretStr) -> SecretStr:
    """The key, where it is one."""
    from fallbacks.history.ed25519_seals import read_private  # whoever sets one needs it anyway

    read_private(value.get_secret_value())
    return value


def _usable(value: Path, load: Callable[[Path], object]) -> Path:
    try:
        load(value)
    except WorkerError as error:
        raise ValueError(str(error)) from None
    return value


def usable_prices(value: Path) -> Path:
    """The file, where it can be read."""
    from worker.config.yaml_prices import load_prices  # whoever sets one needs it anyway

    return _usable(value, load_prices)


def usable_tools(value: Path) -> Path:
    """The file, where it can be read."""
    from worker.config.yaml_tools import load_tools  # whoever sets one needs it anyway

    return _usable(value, load_tools)


def usable_prompt(value: Path) -> Path:
    """The file, where it can be used."""
    return _usable(value, load_prompt)


MOST_COUNT, MOST_DOLLARS, MOST_SECONDS = 1_000_000_000, 1_000_000, 10 * 365 * 86_400
"""More is a slip, and too much for the ledger's sums; unlimited is `None`."""

Count = Annotated[Annotated[int, Field(ge=0, le=MOST_COUNT)] | None, BeforeValidator(unlimited)]
Amount = Annotated[Annotated[Decimal, Field(ge=0, le=MOST_DOLLARS)] | None, BeforeValidator(unlimited)]
Seconds = Annotated[float, Field(gt=0, le=MOST_SECONDS)]
MaybeSeconds = Annotated[Annotated[float, Field(ge=0, le=MOST_SECONDS)] | None, BeforeValidator(unlimited)]
Names = Annotated[tuple[str, ...], BeforeValidator(listed), NoDecode]
RedisUrl = Annotated[str, BeforeValidator(stripped), AfterValidator(_redis_url)]
BrokerUrl = Annotated[str, BeforeValidator(stripped), AfterValidator(_broker_url)]
ColdUrl = Annotated[str, BeforeValidator(stripped), AfterValidator(_cold_url)]
HistoryUrl = Annotated[str, BeforeValidator(stripped), AfterValidator(_history_url)]
Url = Annotated[str, BeforeValidator(stripped), AfterValidator(checked_http)]
ImapUrl = Annotated[str, BeforeValidator(stripped), AfterValidator(mailbox_url)]
Networks = Annotated[tuple[str, ...], BeforeValidator(listed), AfterValidator(networks), NoDecode]
ApiKey = Annotated[SecretStr, AfterValidator(header)]
Headers = Annotated[SecretStr, AfterValidator(headers)]
Place = Annotated[str, BeforeValidator(stripped), Field(pattern=r"^[a-zA-Z0-9.:_-]{1,100}$")]
Roles = Annotated[Mapping[str, Role], BeforeValidator(roles_of), NoDecode]
Teams = Annotated[Mapping[str, tuple[str, ...]], BeforeValidator(teams_of), NoDecode]
Source = Annotated[str, Field(min_length=1, max_length=64)]
Weights = Annotated[dict[Source, Annotated[float, Field(ge=0.01, le=100)]], BeforeValidator(json_object), NoDecode]


def _of_targets(value: dict[str, int]) -> dict[str, int]:
    if wrong := [name for name in value if name not in list(Priority) and ":" not in name]:
        raise ValueError(f"{wrong[0]!r} is neither a priority nor label:NAME or team:NAME")
    return value


Target = Annotated[int, Field(ge=0, le=MOST_SECONDS)]
Targets = Annotated[dict[str, Target], BeforeValidator(json_object), AfterValidator(_of_targets), NoDecode]


class Budget(BaseModel):
    """What a source may spend, dollars of a UTC day and month; None for no cap."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: Amount = None
    month: Amount = None


Budgets = Annotated[dict[Source, Budget], BeforeValidator(json_object), NoDecode]
Rates = Annotated[dict[Source, Annotated[int, Field(ge=1, le=1_000_000)]], BeforeValidator(json_object), NoDecode]
