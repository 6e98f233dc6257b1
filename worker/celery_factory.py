"""Makes Celery apps: a worker's with the tasks, a sender's without. Tasks are thin; each setting has its reason."""

import threading
from collections.abc import Callable
from typing import Any

from celery import Celery, signals
from celery.exceptions import Reject
from kombu.entity import Exchange, Queue

from fallbacks.errors import BooksUnreachable
from worker.embedded_valkey import running_url
from worker.errors import SettingsError
from worker.logs import configure_logs
from worker.machine import Machine
from worker.publisher import HAND_OFF, TRIAGE
from worker.settings import Settings
from worker.wiring import Parts, queue_names


def books_url(settings: Settings) -> str:
    """Where the books are: as set, or the embedded Valkey that is running in HOME. Raises `SettingsError`."""
    url = settings.redis_url or running_url(settings.home)
    if url is None:
        fault = f"no books: start `deskhand up` (embedded, in {settings.home}) or set DESKHAND_REDIS_URL"
        raise SettingsError([fault])
    return url


def sender_app(settings: Settings, redis_url: str) -> Celery:
    """A Celery app that only publishes: no tasks, no signal handlers. Opens nothing."""
    broker_url = settings.broker_url or redis_url
    app = Celery("deskhand", broker=broker_url, set_as_current=False)
    app.conf.update(celery_settings(settings, broker_url))
    return app


def make_app(settings: Settings, redis_url: str, make_parts: Callable[..., Parts] = Parts) -> Celery:
    """A Celery app with our tasks. Opens nothing; a process's machine is made when its first worker part starts."""
    app = sender_app(settings, redis_url)
    app.set_current()
    machines = _Machines(lambda: make_parts(settings, app, redis_url))

    @app.task(name=TRIAGE)
    def triage(*args: Any, **kwargs: Any) -> str:
        """Any shape is taken: what is no ticket is kept as rejected; failing the task would lose it."""
        try:
            return machines.get().triage(args, kwargs)
        except BooksUnreachable as error:  # not in the books yet: only this message has the ticket, so keep it
            raise Reject(error, requeue=True) from error

    @app.task(name=HAND_OFF)
    def hand_off(ticket_id: str) -> str:
        return machines.get().hand_off(ticket_id)

    @signals.setup_logging.connect(weak=False)
    def logs(**_: Any) -> None:
        configure_logs(settings.log_format)

    @signals.celeryd_after_setup.connect(weak=False)
    def offered(instance: Any, **_: Any) -> None:
        kinds = {name: kind for kind, name in queue_names(settings).items()}
        served = tuple(kinds[name] for name in app.amqp.queues.consume_from if name in kinds)
        machines.offer(instance.concurrency or 1, served)

    @signals.worker_ready.connect(weak=False)
    @signals.worker_process_init.connect(weak=False)
    def start(**_: Any) -> None:
        machines.get()

    @signals.worker_shutting_down.connect(weak=False)
    def drain(**_: Any) -> None:
        machines.drain()

    return app


class _Machines:
    """The machine of this process, made on first use, and again after a fork."""

    def __init__(self, make_parts: Callable[[], Parts]) -> None:
        self._make_parts = make_parts
        self._lock = threading.Lock()
        self._machine: Machine | None = None
        self._slots = 1
        self._queues: tuple[str, ...] = ("tickets", "handoff")

    def offer(self, slots: int, queues: tuple[str, ...]) -> None:
        self._slots, self._queues = slots, queues

    def get(self) -> Machine:
        with self._lock:
            if self._machine is None:
                self._machine = Machine(self._make_parts(), self._slots, self._queues)
            return self._machine

    def drain(self) -> None:
        if self._machine is not None:
            self._machine.drain()


def celery_settings(settings: Settings, broker_url: str) -> dict[str, Any]:
    """What makes stock Celery a carrier of hints: nothing here is trusted to keep a ticket, the ledger does."""
    amqp = broker_url.startswith("amqp")
    arguments = {"x-queue-type": "quorum"} if amqp else None
    names = queue_names(settings)
    return {
        "task_queues": [
            # an exchange each: with the default one, a message for either queue would reach both
            Queue(name, Exchange(name, type="direct"), routing_key=name, queue_arguments=arguments)
            for name in (names["tickets"], names["handoff"])
        ],
        "task_default_queue": names["tickets"],
        "accept_content": ["json"],  # pickle runs code
        "task_serializer": "json",
        "task_ignore_result": True,  # the ledger holds results
        "task_acks_late": True,  # flow control: exactly one message per slot in flight
        "worker_prefetch_multiplier": 1,
        "task_reject_on_worker_lost": False,  # unbounded redelivery; the lease does it, bounded
        "worker_cancel_long_running_tasks_on_connection_loss": False,  # strands running work
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # the default gives up after 100 tries
        "broker_connection_timeout": 3,
        "worker_enable_remote_control": False,  # fewer lossy parts; control goes through the books
        "worker_detect_quorum_queues": amqp,
        "broker_transport_options": {"confirm_publish": True} if amqp else REDIS_TRANSPORT,
    }


REDIS_TRANSPORT: dict[str, Any] = {
    "visibility_timeout": 900,  # only clears stale unacked entries: a claim absorbs the duplicate
    "socket_timeout": 5,  # a broker that accepts and never answers must not hang a publish
    "socket_connect_timeout": 3,
    "socket_keepalive": True,
    "health_check_interval": 25,
    "priority_steps": [0],  # one list per queue
}
