"""How commands reach the ledger: settings and parts made once, one event loop, everything closed at the end."""

import signal
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from worker.cli.faults import lines_of
from worker.cli.output import complain

if TYPE_CHECKING:
    import asyncio

    from worker.config.settings import Settings
    from worker.ops.silence import Watch
    from worker.wiring import Parts

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Session:
    """An open connection to the store. Ctrl-C between two calls is an ordinary KeyboardInterrupt.

    begun: the watch over the store that was begun while this process still started, for the first call.
    """

    parts: "Parts"
    runner: "asyncio.Runner"
    begun: "list[Watch]"

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run one coroutine on the session's loop. Raises `StoreUnreachable` soon after the store has fallen silent."""
        from worker.ops.silence import while_it_answers

        watch = self.begun.pop() if self.begun else None
        return self.runner.run(while_it_answers(self.parts.redis_url, work, watch))

    def run_unwatched(self, work: Coroutine[Any, Any, T]) -> T:
        """The same for what looks at the store itself, whatever it does."""
        return self.runner.run(work)


def load() -> "Settings":
    """The settings. Raises `SettingsError`."""
    from worker.service.checked_settings import checked_settings

    return checked_settings()


def end_in_order_when_terminated() -> None:
    """SIGTERM is taken as Ctrl-C, so that what was started is ended too. A shell's background job ignores Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))


@contextmanager
def session() -> Iterator[Session]:
    """Settings and parts for a command that goes on for a while; closed at its end. Raises `SettingsError`."""
    import asyncio

    from worker.ops.silence import Watch

    settings = load()
    begun = [Watch(settings.redis_url)] if settings.redis_url else []
    from worker.service.celery_factory import sender_app, store_url
    from worker.wiring import Parts

    redis_url = store_url(settings)
    parts = Parts(settings, sender_app(settings, redis_url), redis_url)
    with asyncio.Runner() as runner:
        try:
            yield Session(parts, runner, begun)
        finally:
            for watch in begun:
                watch.end()
            runner.run(_close(parts))


def run(work: "Callable[[Parts], Coroutine[Any, Any, T]]") -> T:
    """Run a command's coroutine with parts, and close them."""
    with session() as opened:
        return opened.run(work(opened.parts))


async def publish_hint(parts: "Parts", ticket_ids: Sequence[str]) -> bool:
    """Publish tickets for triage. Where the broker cannot be reached, say so: the workers' sweep finds them."""
    from fallbacks.ledger.states import HintKind

    try:
        await parts.publisher.publish([(HintKind.TRIAGE, ticket_id) for ticket_id in ticket_ids])
    except Exception as error:
        lines = lines_of(error)
        if lines is None:
            raise
        complain(f"warning: {lines[0]}; the tickets are stored, and the workers will find them by themselves")
        return False
    return True


async def _close(parts: "Parts") -> None:
    await parts.aclose()
    parts.app.close()
