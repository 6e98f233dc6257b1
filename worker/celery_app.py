"""The module Celery names: `celery -A worker.celery_app worker`. Importing it reads the environment."""

from worker.config.settings import load_settings
from worker.service.celery_factory import make_app, store_url

_settings = load_settings()
app = make_app(_settings, store_url(_settings))
