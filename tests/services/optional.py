"""Parts of the product that may not be installed."""

from importlib.util import find_spec

import pytest

LOCAL_MODEL = pytest.mark.skipif(find_spec("sklearn") is None, reason="the local model is an optional part")
"""Looks, and imports nothing: its import is a second of CPU in each process that collects the tests."""
