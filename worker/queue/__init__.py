"""Celery and its queues: carriers of hints, trusted with no ticket."""
