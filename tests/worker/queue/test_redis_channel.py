"""The Redis channel of our own: what it takes over from kombu, what it never loses, and what it never lets through."""

import base64
import inspect
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection, Message
from kombu.messaging import Consumer
from kombu.transport import redis as stock
from kombu.transport import virtual
from redis import Redis

from tests.chaos.fleet import Fleet, FleetLedger
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for
from tests.worker.queue.poison import bad_envelopes, envelope, good_envelopes
from worker.clients.celery_queue import queue
from worker.queue.names import AHEAD
from worker.queue.redis_channel import Channel, QoS
from worker.simulator import run_in_thread

OVERRIDDEN = {
    "_brpop_start": "(self, timeout=None)",
    "_brpop_read": "(self, **options)",
    "_poll_error": "(self, type, **options)",
    "_get": "(self, queue)",
    "_put": "(self, queue, message, **kwargs)",
    "_disconnect_pools": "(self)",
}
USED = {
    "_q_for_pri": "(self, queue, pri)",
    "_flush_brpop_reauth": "(self)",
    "_do_restore_message": "(self, payload, exchange, routing_key, pipe, leftmost=False)",
}
OPTIONS = {
    "visibility_timeout": 60,
    "unacked_restore_interval": 0,
    "priority_steps": [0],
    "task_names": ("tasks.triage",),
}


@pytest.mark.parametrize(("name", "signature"), [*OVERRIDDEN.items(), *USED.items()])
def test_kombu_has_the_private_method_we_stand_on(name: str, signature: str) -> None:
    assert str(inspect.signature(getattr(stock.Channel, name))) == signature


def test_kombu_has_the_quality_of_service_we_stand_on() -> None:
    assert str(inspect.signature(stock.QoS.append)) == "(self, message, delivery_tag)"
    assert str(inspect.signature(stock.QoS.restore_visible)) == "(self, start=0, num=10, interval=10)"
    assert str(inspect.signature(stock.QoS.restore_by_tag)) == "(self, tag, client=None, leftmost=False)"
    assert str(inspect.signature(virtual.QoS.append)) == "(self, message, delivery_tag)"
    assert str(inspect.signature(virtual.Transport._deliver)) == "(self, message, queue)"
    assert issubclass(QoS, stock.QoS)


def test_kombu_reads_its_handlers_from_where_we_put_ours() -> None:
    source = inspect.getsource(stock.Channel.__init__)
    assert "'BRPOP': self._brpop_read" in source
    assert "channel._in_poll" in inspect.getsource(stock.MultiChannelPoller._register_BRPOP)
    assert "_brpop_start()" in inspect.getsource(stock.MultiChannelPoller._register_BRPOP)


@pytest.fixture
def redis(valkey_url: str) -> Iterator[Redis]:
    with Redis.from_url(valkey_url) as client:
        yield client


@pytest.fixture
def connect(valkey_url: str) -> Iterator[Callable[..., Connection]]:
    opened: list[Connection] = []

    def make(**options: object) -> Connection:
        transport = "worker.queue.redis_channel:Transport"
        connection = Connection(valkey_url, transport=transport, transport_options={**OPTIONS, **options})
        opened.append(connection)
        return connection

    yield make
    for connection in opened:
        connection.release()


def received(connection: Connection, *names: str, count: int = 1, ack: bool = False) -> list[object]:
    """Up to `count` messages from these queues; they stay unacknowledged unless told."""
    found: list[object] = []

    def take(message: object) -> None:
        found.append(message)
        if ack:
            message.ack()  # type: ignore[attr-defined]

    with Consumer(connection.channel(), [queue(name, amqp=False) for name in names], on_message=take):
        for _ in range(40):
            if len(found) >= count:
                break
            try:
                connection.drain_events(timeout=0.1)
            except TimeoutError:
                continue
    return found


def push(redis: Redis, name: str = "tickets", **changed: object) -> None:
    redis.lpush(name, json.dumps(envelope("tasks.triage", name, **changed)))  # type: ignore[arg-type]


def test_a_message_is_recorded_in_the_moment_it_leaves_its_list(
    redis: Redis, connect: Callable[..., Connection]
) -> None:
    push(redis)
    (message,) = received(connect(), "tickets")
    assert redis.llen("tickets") == 0
    assert redis.hkeys("unacked") == [message.delivery_tag.encode()]  # type: ignore[attr-defined]
    message.ack()  # type: ignore[attr-defined]
    assert redis.hlen("unacked") == redis.zcard("unacked_index") == 0


def test_messages_that_wait_are_taken_in_one_look_up_to_what_the_consumer_may_hold(
    redis: Redis, connect: Callable[..., Connection]
) -> None:
    for number in range(10):
        push(redis, properties={"delivery_tag": f"{number}", "delivery_info": {}, "body_encoding": "base64"})
    channel, found = connect().channel(), list[Message]()
    channel.basic_qos(0, 4, False)
    with Consumer(channel, [queue("tickets", amqp=False)], on_message=found.append):
        while len(found) < 4:
            channel.connection.client.drain_events(timeout=5)
        assert (redis.llen("tickets"), redis.hlen("unacked"), channel._looks) == (6, 4, 1)
        for message in found[:3]:
            message.ack()
        while len(found) < 7:
            with suppress(TimeoutError):
                channel.connection.client.drain_events(timeout=0.1)
        assert (redis.llen("tickets"), redis.hlen("unacked"), channel._looks) == (3, 4, 2)
    assert set(redis.hkeys("unacked")) == {message.delivery_tag.encode() for message in found[3:]}


def test_a_consumer_that_fails_leaves_what_was_taken_with_its_message(
    redis: Redis, connect: Callable[..., Connection]
) -> None:
    push(redis)
    push(redis, "tickets", headers={"task": "tasks.triage", "id": "second"})
    before = redis.lrange("tickets", 0, -1)
    channel = connect().channel()
    channel.basic_qos(0, 4, False)

    def fail(_message: Message) -> None:
        raise ZeroDivisionError

    with (
        suppress(ZeroDivisionError),
        Consumer(channel, [queue("tickets", amqp=False)], on_message=fail),
    ):
        channel.connection.client.drain_events(timeout=5)
    assert redis.lrange("tickets", 0, -1) == before[:1]
    assert redis.hlen("unacked") == 1


def test_a_forged_delivery_tag_cannot_overwrite_another_message(
    redis: Redis, connect: Callable[..., Connection]
) -> None:
    good = good_envelopes("tasks.triage", "tickets")["ok-minimal"]
    redis.lpush("tickets", good, good)
    received(connect(), "tickets", count=2)
    assert redis.hlen("unacked") == 2


def test_every_queue_is_served_whichever_is_waited_on(redis: Redis, connect: Callable[..., Connection]) -> None:
    connection = connect()
    push(redis, "handoff")
    push(redis, "tickets")
    push(redis, "handoff")
    found = received(connection, "tickets", "handoff", count=3, ack=True)
    assert len(found) == 3


def test_a_message_that_is_marked_so_goes_before_those_that_wait(
    redis: Redis, connect: Callable[..., Connection]
) -> None:
    push(redis)
    with connect().Producer() as producer:
        for headers in ({}, {AHEAD: 1}):
            said = {"task": "tasks.triage", "id": "1", **headers}
            producer.publish(([], {}, {}), routing_key="tickets", headers=said)
    (first,) = received(connect(), "tickets")
    assert AHEAD in first.headers  # type: ignore[attr-defined]
    assert redis.llen("tickets") == 2


def test_what_a_dead_worker_held_comes_back_as_it_was(redis: Redis, connect: Callable[..., Connection]) -> None:
    push(redis)
    before = redis.lindex("tickets", 0)
    channel = connect().channel()
    assert channel._get("tickets")
    redis.zadd("unacked_index", dict.fromkeys(redis.hkeys("unacked"), 1))  # long ago, by the server's clock
    channel.qos.restore_visible()
    assert redis.lrange("tickets", 0, -1) == [before]
    assert redis.hlen("unacked") == redis.zcard("unacked_index") == 0


def test_what_was_taken_before_the_clock_went_back_is_held_no_longer_than_usual(
    redis: Redis, connect: Callable[..., Connection]
) -> None:
    push(redis)
    channel = connect().channel()
    assert channel._get("tickets")
    now = redis.time()[0]  # type: ignore[index]
    redis.zadd("unacked_index", dict.fromkeys(redis.hkeys("unacked"), now + 3600))
    channel.qos.restore_visible()
    ((_, since),) = redis.zrange("unacked_index", 0, -1, withscores=True)  # type: ignore[misc]
    assert now <= since < now + 600


def test_a_late_acknowledgement_leaves_the_next_owner_its_message(
    redis: Redis, connect: Callable[..., Connection]
) -> None:
    push(redis)
    (zombie,) = received(connect(), "tickets")
    redis.zadd("unacked_index", dict.fromkeys(redis.hkeys("unacked"), 1))
    second = connect()
    second.channel().qos.restore_visible()
    (owned,) = received(second, "tickets")
    zombie.ack()  # type: ignore[attr-defined]
    assert redis.hkeys("unacked") == [owned.delivery_tag.encode()]  # type: ignore[attr-defined]


def test_rejecting_with_requeue_puts_it_back(redis: Redis, connect: Callable[..., Connection]) -> None:
    push(redis)
    (message,) = received(connect(), "tickets")
    message.reject(requeue=True)  # type: ignore[attr-defined]
    assert redis.llen("tickets") == 1
    assert redis.hlen("unacked") == 0


def test_a_key_prefix_is_before_every_key(redis: Redis, connect: Callable[..., Connection]) -> None:
    redis.lpush("app:tickets", json.dumps(envelope("tasks.triage", "tickets")))
    redis.lpush("app:tickets", b"null")
    connection = connect(global_keyprefix="app:", poison_key="poison")
    (message,) = received(connection, "tickets")
    received(connection, "tickets", count=1)
    assert redis.hlen("app:unacked") == 1
    assert redis.llen("app:poison") == 1
    message.reject(requeue=True)  # type: ignore[attr-defined]
    assert redis.llen("app:tickets") == 1


def test_a_full_server_hands_out_nothing_and_loses_nothing(start_valkey: Callable[..., ValkeyServer]) -> None:
    server = start_valkey()
    found: list[object] = []
    transport = "worker.queue.redis_channel:Transport"
    with (
        server.client() as client,
        Connection(server.url, transport=transport, transport_options=OPTIONS) as connection,
        Consumer(connection.channel(), [queue("tickets", amqp=False)], on_message=found.append),
    ):
        client.lpush("tickets", json.dumps(envelope("tasks.triage", "tickets")))
        client.config_set("maxmemory", "1mb")
        for _ in range(5):
            with suppress(TimeoutError):
                connection.drain_events(timeout=0.1)
        assert found == []
        assert client.llen("tickets") == 1
        client.config_set("maxmemory", "0")

        def delivered() -> bool:
            with suppress(TimeoutError):
                connection.drain_events(timeout=0.1)
            return len(found) == 1

        wait_for(delivered, message="the message of a server with room again")


@pytest.mark.parametrize("name", [name for name in bad_envelopes("t", "q") if name != "bad-args"])
def test_what_celery_could_not_survive_goes_whole_to_the_poison_list(
    name: str, redis: Redis, connect: Callable[..., Connection]
) -> None:
    raw = bad_envelopes("tasks.triage", "tickets")[name]
    redis.lpush("tickets", raw)
    channel: Channel = connect().channel()
    with pytest.raises(Empty):
        channel._get("tickets")
    (entry,) = redis.lrange("deskhand:poison", 0, -1)
    header, _, kept = entry.partition(b"\n")
    assert kept == raw
    assert json.loads(header)["error"]
    assert redis.llen("tickets") == redis.hlen("unacked") == redis.zcard("unacked_index") == 0


def test_every_bad_message_ends_in_the_inbox_and_the_next_good_one_is_worked(tmp_path: Path, valkey_url: str) -> None:
    bad = bad_envelopes("tasks.triage", "tickets")
    with (
        run_in_thread() as simulator,
        Fleet(tmp_path, valkey_url, ANTHROPIC_BASE_URL=simulator.url) as fleet,
        Redis.from_url(valkey_url) as redis,
    ):
        worker = fleet.start()
        for raw in bad.values():
            redis.lpush("tickets", raw)
        for good in good_envelopes("tasks.triage", "tickets").values():
            redis.lpush("tickets", good)
        with FleetLedger(fleet) as ledger:
            ledger.wait_rest(len(bad) + 2)
            assert ledger.states() == {"rejected": len(bad), "suggested": 2}
            assert worker.alive()
            views = [ledger.view(ticket_id) for ticket_id in ledger.ids("rejected")]
            whole = {base64.b64decode(view.raw or "") for view in views}
            assert {raw for name, raw in bad.items() if name != "bad-args"} <= whole  # that one reached the task
            assert all(view.detail for view in views)
            assert ledger.audit().problems == ()
            wait_for(lambda: redis.llen("deskhand:poison") == 0, message="an empty poison list")
