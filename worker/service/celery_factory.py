"""Makes Celery apps: a worker's with the tasks and the doors for messages, a sender's without. Tasks are thin."""

import logging
import os
import signal
import threading
import warnings
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from celery import Celery, signals
from celery.exceptions import CPendingDeprecationWarning, Reject, WorkerShutdown
from celery.worker import state

from fallbacks.errors import StoreUnreachable
from fallbacks.store.redis_url import read_redis_url
from worker.clients.celery_queue import expired_of, is_amqp, queue
from worker.config.errors import SettingsError, WorkerError
from worker.config.settings import Redact, Settings
from worker.intake.amqp import intake_step
from worker.queue.celery_gate import gate_step
from worker.queue.celery_publisher import HAND_OFF, TRIAGE
from worker.queue.celery_settings import celery_settings
from worker.queue.envelope import times_of
from worker.queue.kombu_compression import bound_kombu
from worker.queue.kombu_json import tolerate_types
from worker.queue.names import queue_names
from worker.service.embedded_valkey import running_url
from worker.service.worker_process import WorkerProcess
from worker.telemetry.logs import configure_logs
from worker.telemetry.tracing import CARRIED, arrived_with
from worker.wiring import Parts

log = logging.getLogger(__name__)

LAST_SECONDS = 30.0
"""A worker that cannot work has so long to end in good order."""

Work = Callable[[Sequence[Any], dict[str, Any], Any], Coroutine[Any, Any, str]]
"""A task's args, its kwargs and Celery's request, to its outcome."""


def store_url(settings: Settings) -> str:
    """Where the store is: as set, or the embedded Valkey that is running in HOME. Raises `SettingsError`."""
    url = settings.redis_url or running_url(settings.home)
    if url is None:
        fault = f"no store is running in {settings.home}: start `deskhand up`, or set DESKHAND_REDIS_URL"
        raise SettingsError([fault])
    return url


def sender_app(settings: Settings, redis_url: str) -> Celery:
    """A Celery app that only publishes: no tasks, no signal handlers. Opens nothing."""
    broker_url = settings.broker_url or redis_url
    shown = broker_url if is_amqp(broker_url) else read_redis_url(broker_url).named_for_celery
    app = Celery("deskhand", broker=shown, set_as_current=False)
    app.conf.update(celery_settings(settings, broker_url))
    return app


def make_app(settings: Settings, redis_url: str, make_parts: Callable[..., Parts] = Parts) -> Celery:
    """A Celery app with our tasks. Opens nothing; the worker process is made when its first worker part starts."""
    app = sender_app(settings, redis_url)
    app.set_current()
    bound_kombu()
    tolerate_types()
    process = _LazyProcess(lambda: make_parts(settings, app, redis_url))

    _guard_doors(app, settings, process)
    _add_tasks(app, process)
    _follow_the_worker(app, settings, process)
    return app


def _add_tasks(app: Celery, process: "_LazyProcess") -> None:
    async def triage_work(args: Sequence[Any], kwargs: dict[str, Any], request: Any) -> str:
        """Any shape is taken: what is not a ticket is kept as rejected; failing the task would lose it."""
        arrived_with.set(_carried(request))
        return await _or_kept(process.get().triage(tuple(args), kwargs, str(request.get("id")), times_of(request)))

    async def hand_off_work(args: Sequence[Any], kwargs: dict[str, Any], request: Any) -> str:
        return await _or_kept(process.get().hand_off(tuple(args), kwargs, str(request.get("id")), times_of(request)))

    @app.task(name=TRIAGE, bind=True, typing=False, launch=process.launcher(triage_work))
    def triage(self: Any, *args: Any, **kwargs: Any) -> str:
        return process.run(triage_work(args, kwargs, self.request))

    @app.task(name=HAND_OFF, bind=True, typing=False, launch=process.launcher(hand_off_work))
    def hand_off(self: Any, *args: Any, **kwargs: Any) -> str:
        return process.run(hand_off_work(args, kwargs, self.request))


async def _or_kept(work: Coroutine[Any, Any, str]) -> str:
    """While the store is away the broker keeps the message: it may have a ticket that nothing else has."""
    try:
        return await work
    except StoreUnreachable as error:
        raise Reject(error, requeue=True) from error


def _follow_the_worker(app: Celery, settings: Settings, process: "_LazyProcess") -> None:
    """Celery's signals: its logs, its start and its end."""

    @signals.setup_logging.connect(weak=False)
    def logs(**_: Any) -> None:
        configure_logs(settings.log_format, redacted=settings.redact is not Redact.NONE)

    @signals.celeryd_after_setup.connect(weak=False)
    def offered(instance: Any, **_: Any) -> None:
        kinds = {name: kind for kind, name in queue_names(settings).items()}
        served = tuple(kinds[name] for name in app.amqp.queues.consume_from if name in kinds)
        app.amqp.queues.deselect(queue_names(settings)["intake"])  # its messages are not Celery's
        if "tickets" in served and is_amqp(str(app.conf.broker_url)):
            app.amqp.queues.select_add(queue(expired_of(queue_names(settings)["tickets"]), amqp=True))
        process.offer(instance.concurrency or 1, served)

    @signals.worker_ready.connect(weak=False)
    def start(**_: Any) -> None:
        warnings.filterwarnings("ignore", "(?s).*on connection loss cancels all", CPendingDeprecationWarning)
        process.get_or_end()

    @signals.worker_process_init.connect(weak=False)
    def start_child(**_: Any) -> None:
        process.get()

    @signals.worker_shutting_down.connect(weak=False)
    def drain(**_: Any) -> None:
        process.drain()

    @signals.worker_shutdown.connect(weak=False)
    def close(**_: Any) -> None:
        process.close()


def _carried(request: Any) -> dict[str, str]:
    """The trace a message came from, if it says so: Celery sets what it does not know of the headers on the request."""
    found = {name: request.get(name) for name in CARRIED}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def _guard_doors(app: Celery, settings: Settings, process: "_LazyProcess") -> None:
    """A gate keeps what Celery would drop. On AMQP no channel of ours looks first; and its intake is another."""
    amqp = is_amqp(str(app.conf.broker_url))
    app.steps["consumer"].add(gate_step(process.keep, (TRIAGE, HAND_OFF), checked_before=not amqp))
    if amqp:
        intake = queue(queue_names(settings)["intake"], amqp=True)
        app.steps["consumer"].add(intake_step(process.take_raw, intake, lambda: "intake" in process.queues))


class _LazyProcess:
    """The worker process in this operating system process, made on first use, and again after a fork."""

    def __init__(self, make_parts: Callable[[], Parts]) -> None:
        self._make_parts = make_parts
        self._lock = threading.Lock()
        self._process: WorkerProcess | None = None
        self._slots = 1
        self._pid = os.getpid()
        self.queues: tuple[str, ...] = ("tickets", "handoff")

    def offer(self, slots: int, queues: tuple[str, ...]) -> None:
        self._slots, self.queues, self._pid = slots, queues, os.getpid()

    def keep(self, raw: bytes, error: str, origin: str) -> None:
        self.get().keep(raw, error, origin)

    def take_raw(self, raw: bytes, message: str, again: bool) -> None:
        self.get().take_raw(raw, message, again)

    def get(self) -> WorkerProcess:
        with self._lock:
            if self._process is None:
                self._process = WorkerProcess(self._make_parts(), self._slots, self.queues, self._finish, self._fail)
            return self._process

    def get_or_end(self) -> None:
        """End the worker where none can be made: it would take messages that it cannot work."""
        try:
            self.get()
        except Exception as error:
            log.critical("this worker cannot work: %s", error, exc_info=not isinstance(error, WorkerError))
            raise WorkerShutdown(1) from error

    def run(self, work: Coroutine[Any, Any, str]) -> str:
        """On the worker process's loop; this thread waits."""
        return self.get().thread.run(work)

    def launcher(self, work: Work) -> Any:
        """For `celery_loop_pool`: the same, and no thread waits."""

        def launch(args: list[Any], kwargs: dict[str, Any], request: Any, ended: Callable[[Any], None]) -> None:
            self.get().thread.start(work(args, kwargs, request), ended)

        return staticmethod(launch)

    def drain(self) -> None:
        if self._process is not None:
            self._process.drain()

    def close(self) -> None:
        if self._process is not None:
            self._process.close()

    def _finish(self) -> None:
        """As an orchestrator does it: Celery stops consuming, waits for its tasks and returns what it prefetched."""
        os.kill(self._pid, signal.SIGTERM)  # of the worker's main process, in a pool of processes too

    def _fail(self, why: str) -> None:
        """As `_finish`, and with the exit status of a failure; at once where even that takes too long."""
        log.critical("this worker cannot work and ends: %s", why)
        if os.getpid() == self._pid:
            state.should_stop = 1
        else:
            self._finish()
        last = threading.Timer(LAST_SECONDS, os._exit, (1,))
        last.daemon = True
        last.start()
