"""Chooses what a tier's entry stands for: the make of its model, the prices it is bounded by, and what it promises."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import assert_never

from pydantic import SecretStr

from tasks.run.ports import Model
from tasks.triage.taxonomy import Taxonomy
from worker.config.errors import LocalModelError, ModelNotInstalledError
from worker.config.models import Make, ModelEntry, read_headers
from worker.config.settings import Settings
from worker.config.yaml_prices import load_prices
from worker.models.genai_pricing import Prices
from worker.models.local.unlearned import UNLEARNED, Unlearned
from worker.models.promises import Promise, promised


def local_tier(settings: Settings, taxonomy: Taxonomy) -> tuple[Model, str, Promise]:
    """The local tier's model, its version and what it promises. Raises `LocalModelError`."""
    from worker.models.local.choice import local_model, proved  # numpy only where it is in use

    model = local_model(settings, taxonomy)
    if model is None:
        return Unlearned(), Unlearned.version, Promise(None, UNLEARNED)
    found = proved(model, settings)
    if settings.min_confidence is None:
        model.stand_by(found)
    return model, model.version, promised(settings, found)


def local_promise(settings: Settings, taxonomy: Taxonomy) -> Promise:
    """What the local tier would promise here. Nothing is trained for it."""
    if settings.min_confidence is not None:
        return Promise(settings.min_confidence, "as set")
    try:
        from worker.models.local.choice import at_hand, learns, proved  # numpy only where it is in use

        if not learns(settings):
            return Promise(None, UNLEARNED)
        model = at_hand(settings, taxonomy)
    except ImportError:
        return Promise(None, "scikit-learn is not installed")
    except LocalModelError as error:
        return Promise(None, str(error))
    return promised(settings, proved(model, settings)) if model else Promise(None, "it is trained when first used")


def remote_model(entry: ModelEntry, settings: Settings, taxonomy: Taxonomy) -> Model:
    """The client of an entry's make; its SDK is imported only where it is in use. Raises `ModelNotInstalledError`."""
    prices = prices_of(settings)
    match entry.make:
        case Make.ANTHROPIC:
            from worker.models.anthropic.model import AnthropicModel

            return AnthropicModel(
                entry.id,
                prices,
                name=entry.name,
                api_key=_secret(settings.anthropic_api_key),
                base_url=settings.url_of(entry),
                headers=read_headers(_secret(settings.anthropic_headers)),
            )
        case Make.OPENAI:
            with _installed("openai"):
                from worker.models.openai.model import OpenAIModel

            return OpenAIModel(
                entry.id,
                prices,
                name=entry.name,
                api_key=_secret(settings.openai_api_key),
                base_url=settings.url_of(entry),
                headers=read_headers(_secret(settings.openai_headers)),
            )
        case Make.SYSTEMONE:
            from worker.models.httpx2_transport import http_client
            from worker.models.systemone.model import SystemOneModel

            return SystemOneModel(
                entry.id,
                prices,
                taxonomy,
                name=entry.name,
                base_url=entry.url or "",
                http=http_client,
                api_key=_secret(settings.systemone_api_key),
                headers=read_headers(_secret(settings.systemone_headers)),
            )
        case Make.BEDROCK | Make.VERTEX:
            return _hosted_by_a_cloud(entry, settings, prices)
        case Make.LOCAL:
            raise ValueError("the local model is not remote")
        case unknown:
            assert_never(unknown)


def _hosted_by_a_cloud(entry: ModelEntry, settings: Settings, prices: Prices) -> Model:
    if entry.make is Make.BEDROCK:
        with _installed("bedrock"):
            from worker.models.bedrock.model import BedrockModel

        return BedrockModel(
            entry.id,
            prices,
            name=entry.name,
            region=settings.aws_region or "",
            api_key=_secret(settings.aws_bearer_token_bedrock),
            base_url=settings.url_of(entry),
            headers=read_headers(_secret(settings.bedrock_headers)),
        )
    with _installed("vertex"):
        from worker.models.vertex.model import VertexModel

    return VertexModel(
        entry.id,
        prices,
        name=entry.name,
        region=settings.cloud_ml_region or "",
        project=settings.anthropic_vertex_project_id or "",
        access_token=_secret(settings.vertex_access_token),
        base_url=settings.url_of(entry),
        headers=read_headers(_secret(settings.vertex_headers)),
    )


def questions_version(entry: ModelEntry, taxonomy: Taxonomy) -> str:
    """Of what a decision model is asked in the place of the prompt; "" for a model that reads that."""
    if entry.make is not Make.SYSTEMONE:
        return ""
    from worker.models.systemone.questions import version

    return version(taxonomy)


def prices_of(settings: Settings) -> Prices:
    """The deployment's own prices before the list's."""
    own = load_prices(settings.prices) if settings.prices else {}
    return Prices(own, at_a_place=settings.cloud_ml_region not in (None, "global"))


@contextmanager
def _installed(extra: str) -> Iterator[None]:
    """Around the import of what an extra brings."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ModelNotInstalledError(
            f'{error.name} is not installed, which DESKHAND_MODELS needs: pip install "deskhand[{extra}]"'
        ) from None


def _secret(value: SecretStr | None) -> str:
    return "" if value is None else value.get_secret_value()
