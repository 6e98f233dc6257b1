"""A model behind an API: what is the same for every make. A make says how its API is written to, read and bounded."""

import asyncio
import os
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from tasks.money import Nanodollars
from tasks.run.messages import ModelReply, ModelRequest, TokenUsage

if TYPE_CHECKING:
    import httpx2

    from worker.models.genai_pricing import Prices
    from worker.models.httpx2_line import Line


class RemoteModel(ABC):
    """`tasks.run.ports.Model`. One line per process and event loop, opened at the first call: after any fork.

    name: as prices and decisions call it. Replies are read whole: nothing is streamed, since a decision is nothing
    before its last byte.
    """

    def __init__(self, name: str, prices: "Prices") -> None:
        self._name = name
        self._prices = prices
        self._bodies: WeakKeyDictionary[ModelRequest, bytes] = WeakKeyDictionary()
        self._line: Line | None = None
        self._home: tuple[int, asyncio.AbstractEventLoop] | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r})"

    @property
    def name(self) -> str:
        """See `ModelEntry.name`."""
        return self._name

    async def call(self, request: ModelRequest) -> ModelReply:
        """One HTTP request, no retry. Raises `ModelError`; a cancellation passes through and closes the connection."""
        body = self._body(request)
        response = await self._line_here().post(body)
        return self.read(response, request)

    def worst_case(self, request: ModelRequest) -> Nanodollars:
        """Bound of the call's cost. Raises `ModelError(PRICE_UNKNOWN)`."""
        most = self.most_input_tokens(request, self._body(request))
        return self._prices.worst_case(self._name, most, request.max_tokens, caching=True)

    def cost(self, usage: TokenUsage) -> Nanodollars:
        """What a finished call cost."""
        return self._prices.cost(self._name, usage)

    async def aclose(self) -> None:
        """Close the connections of this process. The model stays usable: its next call opens anew."""
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    @abstractmethod
    def write(self, request: ModelRequest) -> bytes:
        """The body of the request. Raises `ModelError`."""

    @abstractmethod
    def most_input_tokens(self, request: ModelRequest, body: bytes) -> int:
        """Upper bound of the input the provider may charge for."""

    @abstractmethod
    def read(self, response: "httpx2.Response", request: ModelRequest) -> ModelReply:
        """The reply in a response. Raises `ModelError`."""

    @abstractmethod
    def open(self) -> "Line":
        """A line to the API."""

    def _body(self, request: ModelRequest) -> bytes:
        """Written once a request: first to bound its cost, then to send it."""
        body = self._bodies.get(request)
        if body is None:
            body = self._bodies[request] = self.write(request)
        return body

    def _line_here(self) -> "Line":
        home = (os.getpid(), asyncio.get_running_loop())
        if self._line is None or self._home != home:
            self._line, self._home = self.open(), home
        return self._line
