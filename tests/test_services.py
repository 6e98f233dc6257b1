"""The servers that other tests stand on are real and behave."""

import gzip
import json
import socket
import uuid
from collections.abc import Callable

import httpx
import psutil
import pytest
from kombu import Connection, Queue
from playwright.sync_api import Page
from redis import Redis

from tests.services.http_sink import Answer, HttpSink
from tests.services.process import ServiceMissing, program
from tests.services.rabbitmq import SharedRabbitMQ
from tests.services.redis import RedisServer
from tests.services.valkey import ValkeyServer
from tests.services.waiting import wait_for


def listening_addresses(pid: int) -> set[str]:
    process = psutil.Process(pid)
    connections = process.net_connections(kind="inet")
    return {connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN}


def test_valkey_answers_and_is_empty(valkey_url: str) -> None:
    with Redis.from_url(valkey_url) as client:
        assert client.ping()
        assert client.dbsize() == 0
        client.set("left", "behind")


def test_valkey_is_empty_again_for_the_next_test(valkey_url: str) -> None:
    with Redis.from_url(valkey_url) as client:
        assert client.dbsize() == 0


def test_redis_answers_as_redis(redis_server_url: str) -> None:
    with Redis.from_url(redis_server_url, decode_responses=True) as client:
        info = client.info("server")
        assert int(info["redis_version"].partition(".")[0]) >= 7
        assert "valkey_version" not in info


def test_an_own_server_takes_settings(start_redis: Callable[..., RedisServer]) -> None:
    with start_redis(maxmemory="5mb", maxmemory_policy="allkeys-lru").client() as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}


def test_a_killed_server_comes_back_with_its_data_on_the_same_url(start_valkey: Callable[..., ValkeyServer]) -> None:
    server = start_valkey(appendfsync="always")
    url = server.url
    with server.client() as client:
        client.set("kept", "yes")
    server.kill9()
    server.start()
    with server.client() as client:
        assert (server.url, client.get("kept")) == (url, "yes")


def test_a_paused_server_does_not_answer_until_it_is_resumed(start_valkey: Callable[..., ValkeyServer]) -> None:
    server = start_valkey()
    server.pause()
    with socket.create_connection(("127.0.0.1", server.port), timeout=0.2) as connection:
        connection.sendall(b"PING\r\n")
        with pytest.raises(TimeoutError):
            connection.recv(7)
        server.resume()
        connection.settimeout(60)
        assert connection.recv(7) == b"+PONG\r\n"


def test_rabbitmq_carries_a_message_through_a_quorum_queue(rabbitmq_url: str) -> None:
    name = f"quorum-{uuid.uuid4()}"
    queue = Queue(name, routing_key=name, queue_arguments={"x-queue-type": "quorum"})
    with Connection(rabbitmq_url) as connection, connection.SimpleQueue(queue) as simple:
        simple.put({"ticket": 1})
        message = simple.get(timeout=60)
        assert message.payload == {"ticket": 1}
        message.ack()


def test_rabbitmq_listens_on_loopback_only(rabbitmq_server: SharedRabbitMQ) -> None:
    assert listening_addresses(rabbitmq_server.pid) == {"127.0.0.1"}
    assert listening_addresses(rabbitmq_server.epmd_pid) <= {"127.0.0.1", "::1"}


def test_chromium_opens_a_local_page(page: Page, http_sink: HttpSink) -> None:
    http_sink.answer = Answer(body=b"<title>Inbox</title><h1>3 waiting</h1>", headers={"Content-Type": "text/html"})
    page.goto(http_sink.url)
    assert page.title() == "Inbox"
    assert page.get_by_role("heading").inner_text() == "3 waiting"


def test_the_sink_keeps_requests_and_answers_as_told(http_sink: HttpSink) -> None:
    http_sink.next.append(Answer(status=503, headers={"Retry-After": "1"}))
    first = httpx.post(f"{http_sink.url}/hook", json={"id": "t-1"}, headers={"webhook-id": "m1"})
    second = httpx.post(f"{http_sink.url}/hook", json={"id": "t-1"}, headers={"webhook-id": "m1"})
    assert (first.status_code, first.headers["retry-after"], second.status_code) == (503, "1", 200)
    assert [(r.path, r.json(), r.headers["webhook-id"]) for r in http_sink.wait_received(2)] == [
        ("/hook", {"id": "t-1"}, "m1")
    ] * 2


def test_a_slow_sink_is_slow_and_ends_at_once(http_sink: HttpSink) -> None:
    http_sink.answer = Answer(delay_seconds=3600)
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(http_sink.url, timeout=0.1)
    http_sink.stop()


def test_the_sink_reads_sentry_envelopes(http_sink: HttpSink) -> None:
    event = json.dumps({"message": "a\\nb"}).encode()
    lines = [
        b'{"event_id":"e"}',
        json.dumps({"type": "event", "length": len(event)}).encode(),
        event,
        b'{"type":"session"}',
        b'{"sid":1}',
    ]
    body = gzip.compress(b"\n".join(lines))
    httpx.post(f"{http_sink.url}/api/1/envelope/", content=body, headers={"Content-Encoding": "gzip"})
    assert http_sink.sentry() == [{"message": "a\\nb"}]
    assert http_sink.sentry("session") == [{"sid": 1}]


def test_waiting_gives_the_value_or_fails_with_the_message() -> None:
    assert wait_for(lambda: "ready") == "ready"
    with pytest.raises(AssertionError, match="the tide"):
        wait_for(lambda: False, timeout=0.05, message="the tide")


def test_a_missing_program_is_named_with_its_package() -> None:
    with pytest.raises(ServiceMissing, match="apt-get install some-package"):
        program("no-such-program", package="some-package")
