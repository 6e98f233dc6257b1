"""What settings must be together; each alone is read by its type. Every fault is a `ValueError`, one clear line."""

from typing import TYPE_CHECKING

from fallbacks.delivery.signing import read_secrets
from fallbacks.errors import WebhookSecretError
from fallbacks.ledger.business_hours import read_hours
from fallbacks.store.urls import is_cluster
from worker.config.models import Make, ModelEntry

if TYPE_CHECKING:
    from worker.config.settings import Settings


def check_together(given: "Settings") -> None:
    """Raises `ValueError` at the first fault."""
    for check in (_receivers, _broker, _bounds, _hours, _models, _identity_provider, _mailbox):
        check(given)


def _receivers(given: "Settings") -> None:
    if given.webhook_url and not given.webhook_secret:
        raise ValueError("DESKHAND_WEBHOOK_URL needs DESKHAND_WEBHOOK_SECRET: unsigned outcomes cannot be trusted")
    if given.webhook_secret:
        try:
            read_secrets(given.webhook_secret.get_secret_value())
        except WebhookSecretError as error:
            raise ValueError(f"DESKHAND_WEBHOOK_SECRET: {error}") from None
    if given.notify_url and not given.notify_secret:
        raise ValueError("DESKHAND_NOTIFY_URL needs DESKHAND_NOTIFY_SECRET: an unsigned call cannot be trusted")
    if "notify_team" in given.tools and not given.notify_url:
        raise ValueError("DESKHAND_TOOLS names notify_team, which needs DESKHAND_NOTIFY_URL")


def _broker(given: "Settings") -> None:
    if is_cluster(given.broker_url or ""):
        raise ValueError("DESKHAND_BROKER_URL names a cluster, and Celery speaks to none: RabbitMQ, or one small Redis")
    if is_cluster(given.redis_url or "") and not given.broker_url:
        raise ValueError(
            "DESKHAND_REDIS_URL names a cluster, and Celery's transport speaks to none: "
            "set DESKHAND_BROKER_URL to RabbitMQ (amqp://...) or to one small Redis"
        )


def _bounds(given: "Settings") -> None:
    if given.screen_handed_off_from < given.screen_marked_from:
        raise ValueError("DESKHAND_SCREEN_HANDED_OFF_FROM is below DESKHAND_SCREEN_MARKED_FROM")
    if given.cold_days is not None and not given.cold_url:
        raise ValueError("DESKHAND_COLD_DAYS needs DESKHAND_COLD_URL: where documents of old months go")
    if given.sweep_seconds > given.lease_seconds * 10:
        raise ValueError("DESKHAND_SWEEP_SECONDS is more than ten leases: lost work would lie too long")


def _hours(given: "Settings") -> None:
    if not given.business_hours:
        if given.holidays:
            raise ValueError("DESKHAND_HOLIDAYS needs DESKHAND_BUSINESS_HOURS")
        return
    try:
        read_hours(given.business_hours, given.business_zone, given.holidays)
    except ValueError as error:
        raise ValueError(f"DESKHAND_BUSINESS_HOURS: {error}") from None


def _models(given: "Settings") -> None:
    for entry in given.entries:
        if lacking := _lacking(given, entry):
            raise ValueError(f"the model {entry.name!r} needs {lacking}")


def _lacking(given: "Settings", entry: ModelEntry) -> str:
    """The setting without which this model cannot be asked; "" for none."""
    if entry.make is Make.ANTHROPIC and not given.anthropic_api_key:
        return "ANTHROPIC_API_KEY"
    if entry.make is Make.BEDROCK and not given.aws_region:
        return "AWS_REGION"
    if entry.make is Make.VERTEX and not (given.cloud_ml_region and given.anthropic_vertex_project_id):
        return "CLOUD_ML_REGION and ANTHROPIC_VERTEX_PROJECT_ID"
    if entry.make is Make.SYSTEMONE and not entry.url:
        return "a URL: systemone:ID@http://HOST:PORT"
    at_its_maker = entry.make is Make.OPENAI and not (entry.url or given.openai_base_url)
    if at_its_maker and not (given.openai_api_key or given.openai_headers):
        return "OPENAI_API_KEY, or a URL: openai:ID@http://HOST:PORT/v1"
    return ""


def _identity_provider(given: "Settings") -> None:
    if given.oidc_issuer and not (given.public_url and given.oidc_client_id and given.oidc_roles):
        lacking = "DESKHAND_PUBLIC_URL, DESKHAND_OIDC_CLIENT_ID and DESKHAND_OIDC_ROLES"
        raise ValueError(f"DESKHAND_OIDC_ISSUER needs {lacking}: where to come back to, as whom, and who may enter")


def _mailbox(given: "Settings") -> None:
    if sum(bool(one) for one in (given.imap_password, given.imap_token, given.imap_token_command)) > 1:
        raise ValueError("set one of DESKHAND_IMAP_PASSWORD, DESKHAND_IMAP_TOKEN and DESKHAND_IMAP_TOKEN_COMMAND")
