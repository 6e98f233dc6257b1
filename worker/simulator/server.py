"""The simulator as a server: connections in, answers out, its record and switches under `/_sim`."""

import asyncio
import json
import random
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self

from pydantic import ValidationError

from worker.simulator.calls import CallBook
from worker.simulator.chat_form import ChatForm
from worker.simulator.cloud_forms import cloud_form
from worker.simulator.faults import Fault, FaultBoard
from worker.simulator.form import Form
from worker.simulator.latency import latency as latency_of
from worker.simulator.messages_form import MessagesForm
from worker.simulator.model_api import Call, ModelApi
from worker.simulator.systemone_form import SystemOneForm
from worker.simulator.wire import Answer, HttpRequest, deliver, read_request

FORMS: Mapping[str, Form] = {
    "/v1/messages": MessagesForm(),
    "/v1/chat/completions": ChatForm(),
    "/v1/systemone": SystemOneForm(),
}
"""The forms of API by their paths; of clouds the path names the model, too."""


class Simulator:
    """`async with Simulator() as sim:` serves every form of API at `sim.url` until the block ends.

    faults: switched on from the start. latency: `none`, `typical` or seconds. seed: makes it repeatable.
    port: 0 for a free one. require_key: the only API key it accepts, None for any. reads_context: whether its agent
    looks nothing up where context came with the ticket.
    """

    def __init__(
        self,
        *faults: Fault,
        latency: str = "none",
        seed: int = 0,
        port: int = 0,
        require_key: str | None = None,
        reads_context: bool = False,
    ) -> None:
        rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self.faults = FaultBoard(faults, rng)
        self.calls = CallBook()
        self._api = ModelApi(self.faults, latency_of(latency, rng), rng, require_key, reads_context=reads_context)
        self._port = port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it listens, once started."""
        return f"http://127.0.0.1:{self._port}"

    def fault(self, name: str, **fields: Any) -> None:
        """Switch a fault on; `fields` are those of `Fault`."""
        self.faults.add(Fault.model_validate({"fault": name, **fields}))

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self._port, backlog=4096)
        self._port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None  # noqa: S101 - entered before left
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs this as a task
        self._connections.add(task)
        try:
            await self._serve(reader, writer)
        except (ConnectionError, ValueError, asyncio.CancelledError):
            pass  # a peer that left, one that does not speak HTTP, or the end of the simulator
        finally:
            self._connections.discard(task)
            writer.transport.abort() if reader.at_eof() else writer.close()
            with suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request after the other, until one of them ends the connection."""
        while (request := await read_request(reader)) is not None:
            outcome = self._route(request)
            if isinstance(outcome, Call):
                whole = await self._answer_call(outcome, reader, writer)
            else:
                whole = await deliver(outcome, reader, writer)
            if not whole or request.too_large:
                return

    async def _answer_call(self, call: Call, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.calls.enter(call.ticket_id)
        try:
            whole = await deliver(call.answer, reader, writer)
        finally:
            self.calls.leave()
        if whole and call.usage is not None:
            self.calls.finish(call.ticket_id, call.messages, call.usage)
        return whole

    def _route(self, request: HttpRequest) -> Call | Answer:
        match request.method, request.path:
            case "POST", path if (form := FORMS.get(path) or cloud_form(path)) is not None:
                return self._api.answer(request, form)
            case "GET", "/_sim/calls":
                return _json(200, self.calls.report())
            case "GET", "/_sim/faults":
                return _json(200, self.faults.active())
            case "POST", "/_sim/faults":
                return self._add_faults(request.body)
            case "DELETE", "/_sim/faults":
                self.faults.clear()
                return _json(200, [])
            case _:
                return _json(404, {"type": "error", "error": {"type": "not_found_error", "message": "Not Found"}})

    def _add_faults(self, body: bytes) -> Answer:
        """One fault, or a list of them."""
        try:
            given = json.loads(body)
            faults = [Fault.model_validate(fields) for fields in (given if isinstance(given, list) else [given])]
        except ValidationError as error:
            return _json(400, {"errors": error.errors(include_url=False, include_context=False, include_input=False)})
        except ValueError as error:
            return _json(400, {"errors": [str(error)]})
        for fault in faults:
            self.faults.add(fault)
        return _json(200, self.faults.active())


@contextmanager
def run_in_thread(*faults: Fault, **options: Any) -> Iterator[Simulator]:
    """A simulator in a thread of its own, for callers without an event loop. Takes what `Simulator` takes."""
    simulator = Simulator(*faults, **options)
    started = threading.Event()
    failures: list[BaseException] = []
    stops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        stop = asyncio.Event()
        async with simulator:
            stops.append((asyncio.get_running_loop(), stop))
            started.set()
            await stop.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as failure:  # handed to the caller's thread below
            failures.append(failure)
        finally:
            started.set()

    thread = threading.Thread(target=run, name="simulator", daemon=True)
    thread.start()
    started.wait()
    try:
        if failures:
            raise failures[0]
        yield simulator
    finally:
        for loop, stop in stops:
            with suppress(RuntimeError):  # the loop ended by itself
                loop.call_soon_threadsafe(stop.set)
        thread.join()


def _json(status: int, value: Any) -> Answer:
    return Answer(status, json.dumps(value).encode(), {"content-type": "application/json"})
