"""Chooses the local tier's model: the version that `deskhand train` promoted, or the one from the training data."""

from pathlib import Path

from tasks.triage.taxonomy import Taxonomy
from worker import sample
from worker.config.settings import Settings
from worker.models.local.model import LocalModel
from worker.models.local.versions import Versions


def local_model(settings: Settings, taxonomy: Taxonomy) -> LocalModel:
    """The model that works. Raises `LocalModelError` where a promoted version cannot be used: never quietly another."""
    versions = versions_of(settings)
    promoted = versions.current()
    if promoted is not None:
        return LocalModel.of(taxonomy, versions.load(promoted), promoted.name)
    return LocalModel(taxonomy, models_folder(settings), training_data(settings))


def versions_of(settings: Settings) -> Versions:
    """Where versions are kept."""
    return Versions(models_folder(settings))


def models_folder(settings: Settings) -> Path:
    """The part of the state folder that holds weights."""
    return settings.home / "models"


def training_data(settings: Settings) -> Path:
    """The labelled tickets that the first model learns from."""
    return settings.training_data or sample.path("banking77.jsonl.gz")
