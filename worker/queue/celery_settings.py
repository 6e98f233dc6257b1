"""Celery's settings, each with its reason: they make it a carrier of hints, trusted with no ticket."""

from typing import Any

from fallbacks.store.redis_url import read_redis_url
from worker.clients.celery_queue import broker_tls, is_amqp, queue
from worker.config.settings import Settings
from worker.queue.celery_publisher import HAND_OFF, TRIAGE
from worker.queue.names import STEPS, poison_key, queue_names

POOL = "worker.queue.celery_pool:TaskPool"
"""Unless `-P` names another; -c tickets in flight cost no thread and no process each."""


def celery_settings(settings: Settings, broker_url: str) -> dict[str, Any]:
    """The settings of every app of ours, worker or sender."""
    amqp = is_amqp(broker_url)
    names = queue_names(settings)
    return {
        **_broker(settings, broker_url),
        "task_queues": [queue(name, amqp=amqp) for name in (names["tickets"], names["handoff"])],
        "task_default_queue": names["tickets"],
        "accept_content": ["json"],  # pickle runs code
        "task_serializer": "json",
        "task_ignore_result": True,  # the ledger holds results
        "task_acks_late": True,  # flow control: exactly one message per slot in flight
        "worker_prefetch_multiplier": 1,
        "worker_pool": POOL,
        "task_reject_on_worker_lost": False,  # unbounded redelivery; the lease does it, bounded
        "worker_cancel_long_running_tasks_on_connection_loss": False,  # strands running work
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # the default gives up after 100 tries
        "broker_connection_timeout": 3,
        "broker_heartbeat": 10,  # over AMQP what died silently is left after 20 s; by default after minutes
        "broker_channel_error_retry": True,  # a full or demoted server's refusal must not end the worker
        "worker_enable_remote_control": False,  # fewer lossy parts; control goes through the ledger
        "worker_detect_quorum_queues": amqp,
    }


def _broker(settings: Settings, broker_url: str) -> dict[str, Any]:
    if is_amqp(broker_url):
        answers = {"read_timeout": 10, "write_timeout": 10}  # one that keeps the connection and says nothing
        return {"broker_transport_options": {"confirm_publish": True, **answers}, **broker_tls(broker_url)}
    transport = _redis_transport(settings) | {"store": read_redis_url(broker_url)}
    return {"broker_transport_options": transport, "broker_transport": "worker.queue.redis_channel:Transport"}


def _redis_transport(settings: Settings) -> dict[str, Any]:
    name = settings.namespace
    return {
        # Only gives back what a dead worker held, and only such messages as were never in the ledger need it: a claim
        # absorbs the duplicate of a running one, and every delivery has a tag of its own. So it may be short.
        "visibility_timeout": max(1, int(2 * settings.lease_seconds)),
        "unacked_restore_interval": settings.sweep_seconds,
        "unacked_restore_throttle": 1,
        "unacked_restore_limit": 100,
        "unacked_key": f"{name}:unacked",  # another app's workers in this database must not restore ours
        "unacked_index_key": f"{name}:unacked_index",
        "unacked_mutex_key": f"{name}:unacked_mutex",
        "socket_timeout": 5,  # a broker that accepts and never answers must not hang a publish
        "socket_connect_timeout": 3,
        "health_check_interval": 5,  # a silent queue connection was dropped after 17 s (measured once); 25 took 26
        "priority_steps": list(STEPS),  # ours go to one list a queue; those of others are read and counted, too
        "poison_key": poison_key(settings),
        "task_names": (TRIAGE, HAND_OFF),
    }
