"""The machine: settings, Celery app, queues, model clients, executor, intake, command line, wiring."""
