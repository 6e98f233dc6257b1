"""Which code runs here."""

import os
from collections.abc import Mapping
from importlib import metadata

VERSION = metadata.version("deskhand")
"""Of the installed package; pyproject.toml holds the number."""


def built_as(environ: Mapping[str, str]) -> str:
    """`service.version` of OTEL_RESOURCE_ATTRIBUTES, which an image sets to its build's; "" where there is none."""
    pairs = (pair.partition("=") for pair in environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(","))
    return next((value.strip() for name, _, value in pairs if name.strip() == "service.version"), "")


CODE_VERSION = built_as(os.environ) or VERSION
"""An image's differs whenever the code does."""
