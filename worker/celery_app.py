"""The module Celery names: `celery -A worker.celery_app worker`. Importing it reads the environment."""

from worker.service.celery_factory import make_app, store_url
from worker.service.checked_settings import checked_settings

_settings = checked_settings()
app = make_app(_settings, store_url(_settings))
