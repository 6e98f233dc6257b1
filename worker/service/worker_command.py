"""The command line of a worker. By itself, so that what starts one loads nothing else."""

import os
import sys
from collections.abc import Sequence

CONCURRENCY = 64


def worker_command(
    queues: Sequence[str], concurrency: int, pool: str | None = None, app: str = "worker.celery_app"
) -> list[str]:
    """The plain Celery command line of a worker, with the flags that measured best.

    queues: the broker's names. pool: one of Celery's, None for our own.
    """
    name = f"deskhand-{queues[0]}@%h-{os.getpid()}"
    pool = "processes" if pool == "prefork" else pool  # Celery 5.7 takes -P prefork for no choice, and so for ours
    flags = [*(("-P", pool) if pool else ()), "-c", str(concurrency), "-Q", ",".join(queues), "-n", name, "-O", "fair"]
    lean = ["--without-gossip", "--without-mingle", "--loglevel", "INFO"]
    return [sys.executable, "-m", "celery", "--quiet", "-A", app, "worker", *flags, *lean]
