"""The module Celery names: `celery -A worker.celery_app worker`. Importing it reads the environment."""

from worker.celery_factory import books_url, make_app
from worker.settings import load_settings

_settings = load_settings()
app = make_app(_settings, books_url(_settings))
