"""Starts workers by fork from one warm process: a fresh interpreter's imports cost two CPU seconds each.

Reads a JSON line {env, argv, log} for each worker and answers its pid. Forks before any thread or connection exists.
"""

import json
import os
import signal
import sys

import celery.concurrency.thread
import celery.worker.worker

import worker.models.anthropic.model  # noqa: F401 - warm
from tests.chaos import failing_app


def main() -> None:
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
    assert celery  # both modules are imported for their children
    main()
