"""Starts workers by fork from one warm process: a fresh interpreter's imports cost two CPU seconds each.

Reads a JSON line {env, argv, log} for each worker and answers its pid. Forks before any thread or connection exists.
"""

import gc
import json
import os
import signal
import sys
from importlib import import_module

from tests.chaos import failing_app

WARM = (
    "celery.bin.celery",  # with it comes a library for terminals, half of what starting a worker cost
    "celery.apps.worker",
    "celery.backends.base",
    "celery.concurrency.thread",
    "celery.events.receiver",
    "celery.worker.autoscale",
    "celery.worker.components",
    "celery.worker.consumer.delayed_delivery",
    "billiard.pool",
    "kombu.pidbox",
    "worker.models.anthropic.model",
    "tasks.tools.find_similar_tickets",
    "tasks.tools.lookup_customer",
    "tasks.tools.notify_team",
    "tasks.tools.search_knowledge_base",
    "tasks.tools.ticket_context",
)


def main() -> None:
    for name in WARM:
        import_module(name)
    gc.collect()
    gc.freeze()  # so that no child walks, and copies, what it shares with this process
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children leave no zombie: a pid that is gone has ended
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            become_worker(order)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def become_worker(order: dict[str, object]) -> None:
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(str(order["log"]), os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.clear()
    os.environ.update(order["env"])  # type: ignore[call-overload]
    status = 1
    try:
        failing_app.build().worker_main(order["argv"])
        status = 0
    except SystemExit as leaving:
        status = int(leaving.code or 0)
    finally:
        sys.stdout.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
