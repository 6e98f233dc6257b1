"""Every setting, typed, from the environment (prefix DESKHAND_). `deskhand doctor` prints them, secrets masked."""

import os
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from fallbacks.ledger.limits.source_caps import SourceCaps, SourceTerms
from tasks.money import from_usd
from tasks.run.limits import Limits
from tasks.safety.grades import HANDED_OFF_FROM, MARKED_FROM
from tasks.triage.prompt import MIN_CONFIDENCE
from worker.config.errors import SettingsError, WorkerError
from worker.config.field_types import (
    MOST_COUNT,
    MOST_SECONDS,
    Amount,
    ApiKey,
    BrokerUrl,
    Budgets,
    ColdUrl,
    Count,
    Headers,
    HistoryUrl,
    ImapUrl,
    MaybeSeconds,
    Names,
    Networks,
    Place,
    Rates,
    RedisUrl,
    Roles,
    Seconds,
    Targets,
    Teams,
    Url,
    Weights,
    model_name,
    model_names,
    readable_seal,
    usable_prices,
    usable_prompt,
    usable_tools,
)
from worker.config.models import Make, ModelEntry, read_model
from worker.config.together import check_together
from worker.config.values import listed, sentry_url, unlimited

if TYPE_CHECKING:
    from worker.config.described import Described

PREFIX = "DESKHAND_"

OF_TOOLS_AND_PROCESSES = (f"{PREFIX}TOOL_", f"{PREFIX}PROCESS_")
"""What begins so is a tool's or a process's own."""

OF_WHAT_IS_INSTALLED = ("tools", "tools_file", "process")

LOCAL = "local"
DEFAULT_REMOTE_MODEL = "claude-haiku-5-5"


class Autonomy(StrEnum):
    """suggest: every decision waits for a person. auto: proved labels are decided alone. off: people do all."""

    SUGGEST = "suggest"
    AUTO = "auto"
    OFF = "off"


class Redact(StrEnum):
    """none: nothing is masked. logs: personal data in log lines. model: that, and in what a remote model is shown."""

    NONE = "none"
    LOGS = "logs"
    MODEL = "model"


class LogFormat(StrEnum):
    CONSOLE = "console"
    JSON = "json"


class Settings(BaseSettings):
    """What a deployment sets. Each field is the variable DESKHAND_<NAME>; the SDK's own two keep their names."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", populate_by_name=True)

    home: Path = Field(Path(".deskhand"), description="state folder of the embedded parts")
    host: str = Field("127.0.0.1", description="address of the web process")
    port: int = Field(8080, ge=0, le=65535, description="port of the web process")
    redis_url: RedisUrl | None = Field(None, description="the store; none: the embedded Valkey")
    broker_url: BrokerUrl | None = Field(None, description="the queues; none: the same as the store")
    redis_wait: int = Field(
        0, ge=0, le=100, description="replicas that must have an accept, a decision or an effect's intent"
    )
    namespace: str = Field("deskhand", pattern=r"^[a-z0-9-]{1,40}$", description="prefix of every key and queue")
    model: Annotated[str | None, AfterValidator(model_name)] = Field(
        None, description="`local`, a Claude model's id, or MAKE:ID[@URL]"
    )
    models: Annotated[tuple[str, ...], BeforeValidator(listed), AfterValidator(model_names), NoDecode] = Field(
        (), description="tiers, cheapest first; overrides model"
    )
    anthropic_api_key: ApiKey | None = Field(None, validation_alias="ANTHROPIC_API_KEY")
    anthropic_base_url: Url | None = Field(None, validation_alias="ANTHROPIC_BASE_URL")
    anthropic_headers: Headers | None = Field(None, description="further headers of its calls: `Name: value, ...`")
    openai_api_key: ApiKey | None = Field(None, validation_alias="OPENAI_API_KEY")
    openai_base_url: Url | None = Field(None, validation_alias="OPENAI_BASE_URL")
    openai_headers: Headers | None = Field(None, description="further headers of its calls, as some gateways want")
    aws_region: Place | None = Field(None, validation_alias="AWS_REGION")
    aws_bearer_token_bedrock: ApiKey | None = Field(None, validation_alias="AWS_BEARER_TOKEN_BEDROCK")
    bedrock_base_url: Url | None = Field(None, validation_alias="ANTHROPIC_BEDROCK_BASE_URL")
    bedrock_headers: Headers | None = Field(None, description="further headers of Bedrock's calls")
    cloud_ml_region: Place | None = Field(None, validation_alias="CLOUD_ML_REGION")
    anthropic_vertex_project_id: Place | None = Field(None, validation_alias="ANTHROPIC_VERTEX_PROJECT_ID")
    vertex_base_url: Url | None = Field(None, validation_alias="ANTHROPIC_VERTEX_BASE_URL")
    vertex_access_token: ApiKey | None = Field(None, description="none: Application Default Credentials")
    vertex_headers: Headers | None = Field(None, description="further headers of Vertex's calls")
    systemone_api_key: ApiKey | None = Field(None, description="the key of decision models")
    systemone_headers: Headers | None = Field(None, description="further headers of their calls")
    prices: Annotated[Path, AfterValidator(usable_prices)] | None = Field(
        None, description="YAML: make:id to dollars per million tokens, before the price list's"
    )
    min_confidence: float | None = Field(
        None, ge=0, le=1, description="below it a tier abstains; none: measured default"
    )
    precision: float = Field(
        0.95, ge=0.5, lt=1, description="how often what a tier stands by must be right; its threshold is proved for it"
    )
    screen_marked_from: float = Field(
        MARKED_FROM, gt=0, le=1, description="score of the injection screen from which a person decides"
    )
    screen_handed_off_from: float = Field(
        HANDED_OFF_FROM, gt=0, le=1, description="score from which a ticket goes to the queue `security`"
    )
    max_steps: Count = Field(8, description="model calls per run")
    max_tool_calls: Count = Field(16, description="tool calls per run")
    max_tokens: Count = Field(None, description="tokens per run, in and out")
    max_output_tokens: int = Field(
        1024, ge=64, le=10_000_000, description="tokens one reply may have; part of every worst case"
    )
    max_cost_usd: Amount = Field(Decimal("0.05"), description="dollars per run")
    max_seconds: MaybeSeconds = Field(60.0, description="seconds of work per run: those in which a worker holds it")
    call_seconds: Seconds = Field(30.0, description="seconds one model call may take")
    max_wait_seconds: MaybeSeconds = Field(3600.0, description="a ticket older than this goes to people")
    reuse_seconds: float = Field(
        0.0,
        ge=0,
        le=MOST_SECONDS,
        description="how long a remote model's answer to the very same ticket is reused; 0: never",
    )
    max_resumes: Count = Field(10, description="times that people may send a ticket to the agent again")
    approval_seconds: float = Field(
        86_400, gt=0, le=MOST_SECONDS, description="a call may be approved for so long, and begun for so long after"
    )
    messages_per_hour: Count = Field(20, description="of one ticket that the agent works; the others go to people")
    conversation_chars: int = Field(
        200_000, ge=1_000, le=MOST_COUNT, description="of a ticket and all that is added to it"
    )
    max_ticket_cost_usd: Amount = Field(
        Decimal("0.50"), description="dollars of all runs of one ticket that messages begin"
    )
    reply_waits_seconds: float = Field(
        60.0, ge=0, le=MOST_SECONDS, description="of a reply, for the ticket that it answers"
    )
    sla_seconds: Targets = Field(
        {}, description='JSON: how soon people should look, `{"urgent": 600, "label:refund": 7200, "team:fraud": 300}`'
    )
    business_hours: str = Field("", description="when that time passes: `mon-fri 09:00-17:30, sat 10:00-14:00`")
    business_zone: str = Field("UTC", description="their time zone, such as Europe/Berlin")
    holidays: Names = Field((), description="days without business hours, YYYY-MM-DD")
    requester_tickets_per_hour: Count = Field(None, description="of one requester; the others go to people")
    daily_budget_usd: Amount = Field(None, description="dollars of the whole fleet per UTC day")
    source_budgets: Budgets = Field(
        {}, description='JSON: dollars of a source per UTC day and month: `{"backfill": {"day": 5, "month": 100}}`'
    )
    budget_warn_at: float = Field(0.8, gt=0, le=1, description="share of a source's budget from which it is alerted")
    source_rates: Rates = Field(
        {}, description='JSON: tickets of a source per minute: `{"backfill": 60}`; more are refused by HTTP, or wait'
    )
    source_weights: Weights = Field(
        {}, description='JSON: share of a source while others wait too, 0.01 to 100: `{"backfill": 0.1}`; 1 else'
    )
    lease_seconds: Seconds = Field(30.0, description="how long a silent worker keeps its tickets")
    sweep_seconds: Seconds = Field(5.0, description="how often every worker looks for forgotten work")
    drain_seconds: Seconds = Field(20.0, description="how long a stopping worker lets model calls finish")
    max_worker_losses: int = Field(3, ge=1, le=1000, description="workers a ticket may outlive")
    history_url: HistoryUrl = Field(
        "sqlite:", description="where ended tickets live: `sqlite:` a file in HOME; `none`: they stay"
    )
    history_days: Annotated[Annotated[float, Field(ge=7, le=36_500)] | None, BeforeValidator(unlimited)] = Field(
        None, description="how long ended tickets stay in history; none: always"
    )
    cold_url: ColdUrl | None = Field(
        None, description="a folder, or s3://BUCKET/PREFIX, for documents of cold months; none: there are none"
    )
    cold_days: Annotated[Annotated[float, Field(ge=7, le=36_500)] | None, BeforeValidator(unlimited)] = Field(
        None, description="documents of months that ended so long ago become cold; none: by command alone"
    )
    autonomy: Autonomy = Field(Autonomy.SUGGEST)
    autonomy_target: float = Field(0.98, ge=0.5, lt=1, description="agreement a label must be proved to exceed")
    autonomy_error: float = Field(0.05, gt=0, lt=1, description="risk of promoting a label that does not exceed it")
    autonomy_audit_share: float = Field(0.05, ge=0, le=1, description="of what it could decide alone, decided blind")
    autonomy_agree_on: Literal["label", "team"] = Field("label", description="what must agree with people's decision")
    autonomy_severe: Names = Field(
        ("fraud_and_security",), description="teams never to be missed, and `proposed>decided` label pairs"
    )
    probe_share: float = Field(
        0.0, ge=0, le=0.05, description="probes among what waits for people: half with a mistake, half approved before"
    )
    taxonomy: Path | None = Field(None, description="your labels and teams; none: the sample")
    prompt: Annotated[Path, AfterValidator(usable_prompt)] | None = Field(
        None,
        description="your rules for a remote model (`{min_confidence}`: as set); none: the built-in ones",
    )
    knowledge: Path | None = Field(None, description="folder of Markdown; none: the sample's with its taxonomy")
    customers_url: Url | None = Field(None, description="customer directory over HTTP; none: as with knowledge")
    customers_token: SecretStr | None = Field(None, description="its bearer token")
    tools: Names = Field(
        ("search_knowledge_base", "lookup_customer", "find_similar_tickets", "read_attachment"),
        description="tools the agent may call",
    )
    tools_file: Annotated[Path, AfterValidator(usable_tools)] | None = Field(
        None, description="YAML: tools that are an operation of an HTTP service, or a tool of an MCP server"
    )
    process: str = Field("triage", pattern=r"^[a-z][a-z0-9_]{0,39}$", description="what the agent does here")
    notify_url: Url | None = Field(None, description="receiver of the tool notify_team; none: there is no such tool")
    notify_secret: SecretStr | None = Field(None, description="its `whsec_` secret; the receiver checks it")
    retrain_hours: float = Field(
        0.0, ge=0, le=8_760, description="between two rounds in which the local model learns by itself; 0: never"
    )
    training_data: Path | None = Field(None, description="labelled JSONL for the local model; none: as with knowledge")
    webhook_url: Url | None = None
    webhook_secret: SecretStr | None = Field(None, description="`whsec_` secrets; several, split by spaces or commas")
    outcomes_queue: bool = Field(False, description="outcomes go to the kombu queue `outcomes`, too")
    webhook_allow_private: bool = Field(False, description="let outcomes go to private and loopback addresses")
    alert_webhook_url: Url | None = None
    alert_quiet_seconds: Seconds = Field(60.0, description="least time between two alerts of one reason")
    oidc_issuer: Url | None = Field(None, description="identity provider of the console's people; needs PUBLIC_URL")
    oidc_client_id: str = Field("", description="this deployment, as the provider knows it")
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_roles: Roles = Field({}, description="GROUP=ROLE, GROUP=ROLE; who is in none of them is not let in")
    oidc_teams: Teams = Field({}, description="GROUP=TEAM, GROUP=TEAM; whose people work for these teams alone")
    oidc_name_claim: str = Field("email", description="what a person is called here")
    oidc_groups_claim: str = Field("groups", description="where the provider lists a person's groups")
    oidc_name: str = Field("your company's account", description="as the button to sign in says it")
    public_url: Url | None = Field(None, description="where people reach the console; links in alerts start with it")
    sentry_dsn: Annotated[SecretStr, AfterValidator(sentry_url)] | None = None
    hooks: Path | None = Field(None, description="folder of helpdesk field maps, for /v1/hooks/NAME")
    imap_url: ImapUrl | None = Field(
        None, description="the mailbox of `deskhand import-mail --imap`: imaps://user@host/INBOX"
    )
    imap_password: SecretStr | None = None
    imap_token: SecretStr | None = Field(None, description="an OAuth 2 access token instead of the password")
    imap_token_command: str | None = Field(
        None, description="a program that prints one that is valid, asked at each sign-in"
    )
    imap_ca: Path | None = Field(None, description="certificates (PEM) the mailbox is known by; none: the system's")
    mail_authserv: Names = Field(
        (), description="hosts (authserv-id) whose Authentication-Results are believed; none: no sender is known"
    )
    api_keys: Names = Field((), description="whole API keys with every scope, beside those of `deskhand keys`")
    trusted_proxies: Networks = Field(
        (), description="addresses and networks whose X-Forwarded-For says who calls; none: nobody's"
    )
    client_key: SecretStr | None = Field(None, description="the API key that `deskhand enqueue --url` shows")
    api_requests_per_minute: Count = Field(60_000, description="requests one API key may make in a minute")
    audit_key: Annotated[SecretStr, AfterValidator(readable_seal)] | None = Field(
        None, description="what audit exports and receipts are signed with (`dhs_...`); none: made in HOME, `audit.key`"
    )
    log_format: LogFormat = LogFormat.CONSOLE
    redact: Redact = Field(Redact.NONE, description="mask personal data in `logs`, or there and for a remote `model`")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        check_together(self)
        return self

    @property
    def tiers(self) -> tuple[str, ...]:
        """Model names, cheapest first."""
        if self.models:
            return self.models
        return (self.model or (DEFAULT_REMOTE_MODEL if self.anthropic_api_key else LOCAL),)

    @property
    def entries(self) -> tuple[ModelEntry, ...]:
        """The tiers' models, cheapest first."""
        return tuple(map(read_model, self.tiers))

    @property
    def allowed_tools(self) -> tuple[str, ...]:
        """What the agent may call, by name: as set, or what its process asks for. Raises `NotUsableError`."""
        if "tools" in self.model_fields_set or self.process == Settings.model_fields["process"].default:
            return self.tools
        from worker.config import installed  # looks through what is installed

        return installed.process(self.process).tools

    @cached_property
    def described(self) -> "Mapping[str, Described]":
        """The tools of the tools file, by name."""
        if self.tools_file is None:
            return {}
        from worker.config.yaml_tools import load_tools

        return load_tools(self.tools_file)

    def url_of(self, entry: ModelEntry) -> str | None:
        """Where a model's calls go; None for its maker's own."""
        base = {
            Make.ANTHROPIC: self.anthropic_base_url,
            Make.OPENAI: self.openai_base_url,
            Make.BEDROCK: self.bedrock_base_url,
            Make.VERTEX: self.vertex_base_url,
        }
        return entry.url or base.get(entry.make)

    @property
    def remote_min_confidence(self) -> float:
        """Below it a remote model abstains; its instructions name the same number."""
        return MIN_CONFIDENCE if self.min_confidence is None else self.min_confidence

    @property
    def limits(self) -> Limits:
        """What a run may use."""
        return Limits(
            max_steps=self.max_steps,
            max_tool_calls=self.max_tool_calls,
            max_tokens=self.max_tokens,
            max_cost_nanodollars=None if self.max_cost_usd is None else from_usd(self.max_cost_usd),
            max_seconds=self.max_seconds,
        )

    @property
    def day_cap_nanodollars(self) -> int | None:
        """The fleet's budget of one UTC day."""
        return None if self.daily_budget_usd is None else from_usd(self.daily_budget_usd)

    @cached_property
    def source_terms(self) -> SourceTerms:
        """What sources may spend and send."""
        caps = {
            name: SourceCaps(*(None if usd is None else from_usd(usd) for usd in (budget.day, budget.month)))
            for name, budget in self.source_budgets.items()
        }
        return SourceTerms(caps, self.source_rates, self.budget_warn_at)


REMOVED = {
    "RETENTION_DAYS": "is gone: tickets leave for history when they have ended; DESKHAND_HISTORY_DAYS bounds that",
    "ARCHIVE": "is gone: see DESKHAND_HISTORY_URL; `deskhand history import FOLDER` reads the files of former releases",
}
"""Settings of former releases, and what is in their place."""


def load_settings(**overrides: Any) -> Settings:
    """Read the environment. Raises `SettingsError`, one clear line for each fault, unknown DESKHAND_ names included."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    others = [name for name in os.environ if name.startswith(PREFIX) and name not in known]
    unknown = sorted(name for name in others if not name.startswith(OF_TOOLS_AND_PROCESSES))
    faults = [f"{name}: {REMOVED.get(name.removeprefix(PREFIX), 'no such setting')}" for name in unknown]
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        for fault in error.errors():
            name = str(fault["loc"][0]) if fault["loc"] else ""
            shown = name if name.isupper() else f"{PREFIX}{name.upper()}"
            said = fault["msg"].removeprefix("Value error, ")
            faults.append(f"{shown}: {said}" if name else said)
        raise SettingsError(faults) from None
    faults += _own_faults(settings, asked=len(others) > len(unknown))
    if faults:
        raise SettingsError(faults)
    return settings


def _own_faults(settings: Settings, *, asked: bool) -> list[str]:
    """What is wrong with the tools and the process in use and with their own settings. asked: some are set."""
    if not asked and all(
        getattr(settings, name) == Settings.model_fields[name].default for name in ("tools", "process")
    ):
        return []
    from worker.config import own_settings  # looks through what is installed

    try:
        return own_settings.faults(settings.allowed_tools, settings.process, settings.described)
    except WorkerError as error:
        return [str(error)]
