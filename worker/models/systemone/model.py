"""A tier's decision model behind `POST /v1/systemone`, as Ollama, llama.cpp, vLLM and hosted ones serve it.

The state is what any other model would be shown: the process's own words, what was looked up included. The API bounds
no output, and writes no prose: the worst case takes `max_tokens` for it.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2

from tasks.run.messages import ModelReply, ModelRequest, StopReason, TokenUsage
from tasks.triage.taxonomy import Taxonomy
from worker.models.httpx2_failures import error_in, from_response, streamed_error
from worker.models.httpx2_line import MOST_REPLY_BYTES, Line, reaching
from worker.models.json_reading import UNREADABLE, count, dumps, encoded, malformed, most_tokens, read_json, text
from worker.models.remote import RemoteModel
from worker.models.systemone.questions import questions, read_answers

if TYPE_CHECKING:
    from worker.models.genai_pricing import Prices

FRAME_TOKENS = 1_000
"""Bound of what a server's template adds around each question."""


class SystemOneModel(RemoteModel):
    """A decision model, asked about one taxonomy.

    model: the server's id of it. base_url: of the server; without a path, `/v1` is added. api_key: never logged and
    never shown; "" for none. http: makes the transport.
    """

    def __init__(
        self,
        model: str,
        prices: "Prices",
        taxonomy: Taxonomy,
        *,
        name: str,
        base_url: str,
        http: Callable[[], httpx2.AsyncClient],
        api_key: str = "",
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(name, prices)
        self._taxonomy = taxonomy
        self._alike = dumps({"model": model, "questions": questions(taxonomy)})[1:-1]
        self._questions = len(questions(taxonomy))
        self._url = _endpoint(base_url)
        keys = {"authorization": f"Bearer {api_key}"} if api_key else {}
        self._headers = {"content-type": "application/json", "accept": "application/json", **keys, **headers}
        self._http = http

    def write(self, request: ModelRequest) -> bytes:
        """See `RemoteModel`."""
        blocks = [block for message in request.messages for block in message["content"]]
        state = dumps("\n\n".join(block["text"] for block in blocks if block["type"] == "text"))
        return encoded(f'{{{self._alike},"state":{state}}}')

    def most_input_tokens(self, request: ModelRequest, body: bytes) -> int:  # noqa: ARG002 - the port's
        """Some servers read the state anew for each question."""
        return self._questions * (most_tokens(body) + FRAME_TOKENS)

    def read(self, response: httpx2.Response, request: ModelRequest) -> ModelReply:
        """See `RemoteModel`. Without a usage the worst case counts."""
        if not response.is_success:
            raise from_response(response)
        try:
            reply = read_json(response.content, MOST_REPLY_BYTES)
            if reply.get("error") and not reply.get("answers"):
                raise error_in(response, reply["error"], begun=False)
            answered = read_answers(reply["answers"], self._taxonomy, request.ticket, request.call_id)
            usage = reply.get("usage")
            return ModelReply(
                content=answered.blocks,
                stop=StopReason.TOOL_USE if answered.blocks else StopReason.END_TURN,
                usage=self._worst_usage(request) if usage is None else _used(usage),
                model=text(reply.get("model") or ""),
                raw_stop="answered",
                abstained=answered.abstained,
            )
        except UNREADABLE as error:
            raise streamed_error(response) or malformed("System One", error) from None

    def open(self) -> Line:
        """See `RemoteModel`."""
        http = self._http()
        with reaching():
            return Line(http, self._url, self._headers, http.aclose)

    def _worst_usage(self, request: ModelRequest) -> TokenUsage:
        most = self.most_input_tokens(request, self._body(request))
        return TokenUsage(cache_write_tokens=most, output_tokens=request.max_tokens)


def _used(usage: Mapping[str, object]) -> TokenUsage:
    return TokenUsage(count(usage["input_tokens"]), count(usage.get("output_tokens") or 0))


def _endpoint(url: str) -> str:
    path = urlsplit(url).path.strip("/")
    root = url.rstrip("/") if path else f"{url.rstrip('/')}/v1"
    return root if path.endswith("systemone") else f"{root}/systemone"
