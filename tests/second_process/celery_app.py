"""The module Celery names: `worker/celery_app.py` with the parts of the second process."""

from tests.second_process.deployment import FormParts
from worker.service.celery_factory import make_app, store_url
from worker.service.checked_settings import checked_settings

_settings = checked_settings()
app = make_app(_settings, store_url(_settings), FormParts)
