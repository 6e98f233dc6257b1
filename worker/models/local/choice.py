"""Chooses the local tier's model: the version that `deskhand train` promoted, or the one from the training data."""

from dataclasses import replace
from pathlib import Path

from tasks.triage.taxonomy import Taxonomy
from worker.config.settings import Settings
from worker.config.sources import training_file
from worker.models.group_thresholds import fitted_by_group
from worker.models.local.judging import UNFAMILIAR_CEILING
from worker.models.local.model import MIN_CONFIDENCE, LocalModel, is_trained
from worker.models.local.outside_file import kept_outside
from worker.models.local.rounds import School
from worker.models.local.versions import Versions
from worker.models.thresholds import Threshold, fitted
from worker.models.training_rows import read_rows


def learns(settings: Settings) -> bool:
    """Whether there is anything that the local model has learned from, or can."""
    return training_file(settings) is not None or versions_of(settings).current() is not None


def local_model(settings: Settings, taxonomy: Taxonomy) -> LocalModel | None:
    """The model that works; None where there is nothing to learn from.

    Raises `LocalModelError` where a promoted version cannot be used: never quietly another.
    """
    versions = versions_of(settings)
    promoted = versions.current()
    if promoted is not None:
        return LocalModel.of(taxonomy, versions.load(promoted), promoted.name)
    data = training_file(settings)
    return LocalModel(taxonomy, models_folder(settings), data) if data else None


def at_hand(settings: Settings, taxonomy: Taxonomy) -> LocalModel | None:
    """The model that works, where nothing has to be trained for it."""
    promoted = versions_of(settings).current() is not None
    data = training_file(settings)
    ready = promoted or (data is not None and is_trained(models_folder(settings), data, taxonomy))
    return local_model(settings, taxonomy) if ready else None


def proved(model: LocalModel, settings: Settings) -> Threshold:
    """From which confidence on it is right as often as DESKHAND_PRECISION asks, by the tickets it was held to, and by
    those out of scope where enough are known. By team where the tickets allow it; with tickets out of scope counted
    in, of which nobody knows the team, for all teams together.
    """
    outside = kept_outside(models_folder(settings), model.version)
    floor = UNFAMILIAR_CEILING if outside.counts(settings.precision) else MIN_CONFIDENCE
    answers = model.held_out_by_team
    if answers and not outside.counts(settings.precision):
        return replace(fitted_by_group(answers, settings.precision, floor=floor), outside=outside)
    return fitted(model.held_out, settings.precision, floor=floor, outside=outside)


def school(settings: Settings, taxonomy: Taxonomy) -> School:
    """What learns by itself here."""
    data = training_file(settings)

    def first() -> LocalModel | None:
        return LocalModel(taxonomy, models_folder(settings), data) if data else None

    return School(versions_of(settings), taxonomy, first, read_rows(data) if data else [])


def versions_of(settings: Settings) -> Versions:
    """Where versions are kept."""
    return Versions(models_folder(settings))


def models_folder(settings: Settings) -> Path:
    """The part of the state folder that holds weights."""
    return settings.home / "models"
