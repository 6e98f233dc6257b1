"""Processes: the Celery app, the worker, the web, and the embedded stack."""
