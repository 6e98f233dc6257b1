"""The processes that run it: settings, Celery app, queues, model clients, executor, intake, command line, wiring."""
