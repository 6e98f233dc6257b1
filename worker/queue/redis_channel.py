"""A kombu Redis transport that neither loses nor chokes on a message. For producers who write straight to a queue.

The stock one pops first and records second: a worker killed in between takes the message with it (26 in 75 kills).
This one peeks (`BLMOVE q q RIGHT RIGHT`), then one script records the message under a delivery tag of its own and pops
it last. What Celery could not survive goes whole to the poison list, which `redis_poison.py` empties into the inbox.
Private methods of kombu 5.7 are overridden: tests/worker/queue/test_redis_channel.py holds them to their signatures.
"""

import json
import logging
from collections import deque
from collections.abc import Collection
from contextlib import suppress
from functools import cached_property
from queue import Empty
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import redis
from kombu.transport import redis as stock
from kombu.transport import virtual
from redis.exceptions import NoPermissionError, OutOfMemoryError, ResponseError

from fallbacks.store.redis_connections import FitConnection, FitTls, ServerUnfit, sync_options
from fallbacks.store.redis_url import RedisUrl
from worker.queue.envelope import carried, fault_of
from worker.queue.names import AHEAD, lists_of
from worker.queue.redis_channel_scripts import CLAIM, FORGET, POISON, RESTORE

log = logging.getLogger(__name__)

LONGEST_BYTES = 4 * 1024 * 1024
"""A longer envelope goes to the poison list undecoded: decoding it would hold up the server."""

ROTATE_SECONDS = 0.1
"""With several queues a peek waits this long on one before the next: BLMOVE waits on one list only. Every look takes
whatever is in any of them, so this is the latency of an idle worker and of nothing else."""

MOST_AT_ONCE = 32
"""Messages of one look, where so many slots are free: what a look costs is then shared by them."""

REFUSED_SECONDS = 0.5
"""Pause after the server refused a write (`maxmemory` with noeviction): asking at once would spin."""

OTHERS_FIRST = 8
"""Every eighth look begins with the lists of other priorities, so that a backlog on a queue's own list hides none."""

FULL = ("OOM", "MISCONF")
"""Answers by which a server says that it takes no writes now."""

UNFIT_SECONDS = 1.0
"""Pause after the server said that it cannot serve: Celery connects anew at once, and it may be the same one still."""


FORBIDDEN_SECONDS = 5.0
"""Likewise, after it said that this user may not."""


class QoS(stock.QoS):
    """Recording is done by the claim; restoring is one script on the server's clock."""

    restored_at = float("-inf")

    def append(self, message: Any, delivery_tag: str) -> None:
        if delivery_tag in self.channel.claimed:
            self.channel.claimed.discard(delivery_tag)
            virtual.QoS.append(self, message, delivery_tag)
        else:
            super().append(message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Those of one moment go with the next look: an acknowledgement a ticket is dear."""
        self.channel.forget(delivery_tag)
        virtual.QoS.ack(self, delivery_tag)

    def restore_visible(self, start: int = 0, num: int | None = 10, interval: int = 10) -> None:  # noqa: ARG002 - kombu's
        """Put back what a dead worker held. No mutex: the script is atomic, and two workers restore nothing twice."""
        channel = self.channel
        if monotonic() - self.restored_at < channel.unacked_restore_interval / 2:
            return
        self.restored_at = monotonic()
        try:
            count = channel.restore("RPUSH", oldest=self.visibility_timeout, most=num or 100)
        except ResponseError as error:  # a full server: what is held stays held
            log.warning("could not restore messages: %s", error)
            return
        if count:
            log.info("restored %d messages of workers that went away", count)

    def restore_by_tag(self, tag: str, client: Any = None, leftmost: bool = False) -> None:  # noqa: ARG002 - kombu's
        self.channel.restore("LPUSH" if leftmost else "RPUSH", tags=(tag,))


class Channel(stock.Channel):
    """poison_key: list of what cannot be worked. task_names: tasks that exist; empty takes any.

    store: where the lists are; None where kombu's own URL says it.
    """

    QoS = QoS
    connection_class: Any = FitConnection
    connection_class_ssl: Any = FitTls
    store: RedisUrl | None = None
    poison_key = "deskhand:poison"
    task_names: Collection[str] = ()
    from_transport_options = (  # type: ignore[assignment] # kombu extends it so
        *stock.Channel.from_transport_options,
        "poison_key",
        "task_names",
        "store",
    )

    supports_batch_publish = (
        True  # kombu's own fears that a batch is sent twice: ours are hints, and once more is nothing
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.claimed: set[str] = set()
        self._refused_until = 0.0
        self._waiting_on = self._busy = ""
        self._looks = 0
        self._done: deque[str] = deque()
        super().__init__(*args, **kwargs)

    def restore(self, push: str, *, oldest: float | None = None, most: int = 0, tags: tuple[str, ...] = ()) -> int:
        """Put messages back on their lists: those held for `oldest` seconds, or the named ones. Returns how many."""
        limits = ("" if oldest is None else int(oldest), most)
        return int(self._script(RESTORE, self._own_keys(), self.global_keyprefix, push, *limits, *tags))

    def forget(self, tag: str) -> None:
        """A message is done: nothing holds it any more. While messages are looked for, from before the next poll on;
        until then a kill leaves a message that finds nothing to claim.
        """
        self._done.append(tag)
        if not self.active_queues or len(self._done) >= MOST_AT_ONCE:
            self._forget_done()

    def before_poll(self) -> None:
        """Look at once where the last look left something: a peek would say so. Else only forget what is done."""
        ready = monotonic() >= self._refused_until and not self._in_poll
        if self._busy and ready and self.active_queues and self.qos.can_consume():
            with suppress(Empty):
                self._deliver_next()
        self._forget_done()

    def basic_cancel(self, consumer_tag: str) -> Any:
        self._forget_done()
        return super().basic_cancel(consumer_tag)

    def _forget_done(self) -> None:
        if tags := self._tags_done():
            self._script(FORGET, self._own_keys(), *tags)

    def _tags_done(self) -> list[str]:
        """Each is given out once, whichever threads acknowledge meanwhile."""
        tags: list[str] = []
        with suppress(IndexError):
            while True:
                tags.append(self._done.popleft())
        return tags

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:
        if not message["headers"].get(AHEAD):
            super()._put(queue, message, **kwargs)
            return
        with self.conn_or_acquire() as client:
            client.rpush(queue, json.dumps(message))

    def _brpop_start(self, timeout: float | None = None) -> None:
        queues = self._queue_cycle.consume(len(self.active_queues))
        if not queues or monotonic() < self._refused_until:
            return
        seconds = ROTATE_SECONDS if len(queues) > 1 else timeout or self.brpop_timeout
        self._waiting_on = self._busy if self._busy in queues else queues[0]
        self._in_poll: Any = self.client.connection
        self._brpop_sent_at = monotonic()  # type: ignore[assignment] # inferred from kombu's None
        key = self.global_keyprefix + self._waiting_on
        self.client.connection.send_command("BLMOVE", key, key, "RIGHT", "RIGHT", seconds)

    def _brpop_read(self, **options: Any) -> bool:
        try:
            self._read_peek(**options)
            if self._closing:
                raise Empty
            return self._deliver_next()
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()

    def _read_peek(self, **options: Any) -> None:
        """Read the reply. It says only that it is time to look: what was peeked at may be another worker's by now."""
        connection = self.client.connection
        try:
            with _UNHURRIED:
                redis.Redis.parse_response(self.client, connection, "BLMOVE", **options)
        except self.connection_errors:
            connection.disconnect()
            raise
        except ResponseError as error:
            self._refused(error)
            raise Empty from error

    def _deliver_next(self) -> bool:
        queues = self._queue_cycle.consume(len(self.active_queues))
        most = min(self.qos.can_consume_max_estimate() or 1, MOST_AT_ONCE)
        found = deque(self._claim(queues, most))
        self._queue_cycle.rotate(found[0][0] if found else self._waiting_on)
        self._busy = found[-1][0] if len(found) == most else ""  # it may have more
        if not found:
            raise Empty
        try:
            while found:
                self._deliver(*found.popleft())
        finally:
            if found:  # a consumer raised: Celery connects anew, on another channel
                self.restore("RPUSH", tags=tuple(tag for *_, tag in reversed(found)))
        return True

    def _deliver(self, queue: str, envelope: Any, tag: str) -> None:
        self.connection._deliver(envelope, queue)  # as the stock channel does
        if tag in self.claimed:  # nobody recorded it: a consumer without acknowledgement
            self.claimed.discard(tag)
            self.qos.ack(tag)

    def _size(self, queue: str) -> int:
        with self.conn_or_acquire() as client, client.pipeline(transaction=False) as pipe:
            for name in lists_of(queue):
                pipe.llen(name)
            return sum(pipe.execute())

    def _get(self, queue: str, timeout: float | None = None) -> Any:  # noqa: ARG002 - kombu's
        found = self._claim([queue], 1)
        if not found:
            raise Empty
        return found[0][1]

    def _claim(self, queues: list[str], most: int) -> list[tuple[str, Any, str]]:
        """Take the next good messages of any of these queues, of whatever priority, each under a tag of its own."""
        self._looks += 1
        if self._looks % OTHERS_FIRST == 0:
            return self._take(_others(queues), most) or self._take(_own(queues), most)
        return self._take(_own(queues), most) or self._take(_others(queues), most)

    def _take(self, named: list[tuple[str, str]], most: int) -> list[tuple[str, Any, str]]:
        """named: (queue, list of it), the first with messages being taken from before the others."""
        names, lists = [queue for queue, _ in named], [self.global_keyprefix + name for _, name in named]
        bounds, done = (uuid4().hex, LONGEST_BYTES, most), self._tags_done()
        try:
            found = self._script(CLAIM, [*self._own_keys(), *lists], *bounds, *names, *done)
        except ResponseError as error:
            self._done.extend(done)
            self._refused(error)
            return []
        return [read for at, tag, raw in found if (read := self._taken(names[int(at) - 1], tag.decode(), raw))]

    def _taken(self, queue: str, tag: str, raw: bytes) -> tuple[str, Any, str] | None:
        envelope, fault = self._read(raw)
        if fault is not None:
            self._poison(tag, fault, queue)
            return None
        envelope["properties"]["delivery_tag"] = tag
        envelope["headers"] = carried(envelope["headers"])
        self.claimed.add(tag)
        return queue, envelope, tag

    def _read(self, raw: bytes) -> tuple[Any, str | None]:
        """The envelope, and its fault where it has one."""
        try:
            envelope = json.loads(raw.decode("utf-8"))
        except UnicodeDecodeError:
            return None, "the message is not UTF-8"
        except (ValueError, RecursionError):
            return None, "the message is not JSON"
        names = self.task_names or (_task_of(envelope),)
        return envelope, fault_of(envelope, names)

    def _poison(self, tag: str, error: str, queue: str) -> None:
        """Move what only Python can recognise as bad. Until then it is in `unacked`, so a kill here loses nothing."""
        header = json.dumps({"id": tag, "error": error, "queue": queue})
        self._script(POISON, self._own_keys(), tag, header)

    def _refused(self, error: ResponseError) -> None:
        """Wait where the server is full; anything else (a replica now, say) is for Celery: it connects anew."""
        if not isinstance(error, OutOfMemoryError | NoPermissionError) and not str(error).startswith(FULL):
            raise error
        log.warning("the broker refuses to hand out messages: %s", error)
        self._refused_until = monotonic() + REFUSED_SECONDS

    def _poll_error(self, type: str, **options: Any) -> None:  # noqa: A002 - kombu's name
        if type == "BRPOP":
            redis.Redis.parse_response(self.client, self.client.connection, "BLMOVE", **options)
        else:
            super()._poll_error(type, **options)

    def _own_keys(self) -> list[str]:
        names = (self.unacked_key, self.unacked_index_key, self.poison_key)
        return [self.global_keyprefix + name for name in names]

    @cached_property
    def _plain(self) -> Any:
        """A client that prefixes nothing: kombu's prefixes only the first key of a script."""
        return redis.Redis(connection_pool=self.pool)

    @cached_property
    def _scripts(self) -> dict[str, Any]:
        return {body: self._plain.register_script(body) for body in (CLAIM, FORGET, POISON, RESTORE)}

    def _script(self, body: str, keys: list[str], *args: str | int) -> Any:
        with _UNHURRIED:
            return self._scripts[body](keys=keys, args=args)

    def _queue_bind(self, *args: Any) -> None:
        with _UNHURRIED:
            super()._queue_bind(*args)

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        if self.store is None:
            return dict(super()._connparams(asynchronous))
        names = ("socket_timeout", "socket_connect_timeout", "health_check_interval", "max_connections", "client_name")
        found = {"db": 0} | {name: getattr(self, name) for name in names} | sync_options(self.store)
        if asynchronous:
            found["connection_class"] = _reporting(found["connection_class"], self)
        return found

    def _disconnect_pools(self) -> None:
        for name in ("_plain", "_scripts"):  # bound to the pool that is going away
            self.__dict__.pop(name, None)
        super()._disconnect_pools()


def _own(queues: list[str]) -> list[tuple[str, str]]:
    return [(queue, queue) for queue in queues]


def _others(queues: list[str]) -> list[tuple[str, str]]:
    return [(queue, name) for queue in queues for name in lists_of(queue)[1:]]


class _Unhurried:
    """Pauses before what says that the server cannot serve goes on. Kept: it stands around every call."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: object) -> None:
        if isinstance(error, ServerUnfit):
            sleep(UNFIT_SECONDS)
        elif isinstance(error, NoPermissionError):
            sleep(FORBIDDEN_SECONDS)


_UNHURRIED = _Unhurried()


def _reporting(kind: type[Any], channel: Channel) -> type[Any]:
    """A connection that kombu's poller forgets once it is closed."""

    class Reporting(kind):
        def disconnect(self, *args: Any, **options: Any) -> None:
            super().disconnect(*args, **options)
            if channel._registered:
                channel._on_connection_disconnect(self)

    return Reporting


class Poller(stock.MultiChannelPoller):
    """Polls once nothing is left to be taken, or forgotten, without waiting."""

    def on_poll_start(self) -> None:
        for channel in tuple(self._channels):
            channel.before_poll()
        super().on_poll_start()


class Transport(stock.Transport):
    """`broker_transport = "worker.queue.redis_channel:Transport"`."""

    Channel = Channel

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cycle = Poller()  # type: ignore[assignment] # kombu's own does so, too


def _task_of(envelope: Any) -> str:
    headers = envelope.get("headers") if isinstance(envelope, dict) else None
    return str(headers.get("task", "")) if isinstance(headers, dict) else ""
