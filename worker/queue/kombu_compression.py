"""kombu's own unpacking, within our bound: it happens before anybody has looked at a message."""

from collections.abc import Callable

from kombu import compression

from worker.queue.compression import METHODS, unpack


def bound_kombu() -> None:
    """Let kombu unpack as `unpack` does."""
    for method in METHODS:
        encode, name = compression.get_encoder(method)
        compression.register(encode, _decoder(method), name)


def _decoder(method: str) -> Callable[[bytes], bytes]:
    return lambda body: unpack(body, method)
