"""RabbitMQ over TLS: only a certificate of the host that was asked for, by a known authority, is spoken to."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from celery import Celery

from tests.services.dovecot import make_certificates
from worker.client import CeleryClient
from worker.config.settings import load_settings
from worker.service.celery_factory import sender_app


class Listener:
    """Speaks TLS with a certificate for localhost, and keeps what it then hears first."""

    def __init__(self, folder: Path) -> None:
        make_certificates(folder)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "server.pem", folder / "server.key")
        self.server = socket.create_server(("127.0.0.1", 0))
        self.heard = threading.Event()
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    @property
    def port(self) -> int:
        return int(self.server.getsockname()[1])

    def close(self) -> None:
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.thread.join()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            with suppress(OSError), self.context.wrap_socket(client, server_side=True) as spoken:
                if spoken.recv(4) == b"AMQP":
                    self.heard.set()


@pytest.fixture
def listener(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    listener = Listener(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    yield listener
    listener.close()


def ours(url: str) -> Celery:
    return sender_app(load_settings(model="local", broker_url=url), "redis://127.0.0.1:1/0")


def a_producers(url: str) -> Celery:
    return CeleryClient(url)._app


@pytest.mark.parametrize("made", [ours, a_producers])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_certificate_of_another_name_is_refused(listener: Listener, made: Callable[[str], Celery], host: str) -> None:
    app = made(f"amqps://u:p@{host}:{listener.port}//")
    with app.connection() as connection, suppress(Exception):
        connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=5)
    app.close()
    assert listener.heard.is_set() == (host == "localhost")
