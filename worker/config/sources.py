"""Where what a deployment brings is. The sample's own stands in only where the sample's taxonomy is in force:
what somebody else's customers, articles and tickets are is nobody's business in a deployment with labels of its own.
"""

from pathlib import Path

from worker import sample
from worker.config.settings import Settings


def taxonomy_file(settings: Settings) -> Path:
    """The labels and teams in force."""
    return settings.taxonomy or sample.path("taxonomy.yaml")


def knowledge_folder(settings: Settings) -> Path | None:
    """The articles to search; None for none."""
    return settings.knowledge or _sampled(settings, "knowledge")


def customers_file(settings: Settings) -> Path | None:
    """The records of customers where no directory is asked; None for none."""
    return _sampled(settings, "customers.jsonl")


def training_file(settings: Settings) -> Path | None:
    """The labelled tickets that the local model learns from at first; None for none."""
    return settings.training_data or _sampled(settings, "banking77.jsonl.gz")


def missing(settings: Settings) -> list[str]:
    """What a deployment with labels of its own does without, and the settings that bring it."""
    brought = {
        "knowledge base (DESKHAND_KNOWLEDGE)": knowledge_folder(settings),
        "customers (DESKHAND_CUSTOMERS_URL)": settings.customers_url or customers_file(settings),
        "training data (DESKHAND_TRAINING_DATA)": training_file(settings),
    }
    return [name for name, found in brought.items() if found is None]


def _sampled(settings: Settings, name: str) -> Path | None:
    return sample.path(name) if settings.taxonomy is None else None
