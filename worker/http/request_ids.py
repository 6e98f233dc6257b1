"""Every answer names its request: the id the client sent, or one made here. What it accepts remembers its trace."""

import re
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worker.http.problems import REQUEST_ID
from worker.telemetry.tracing import arrived_with, carried_by

_FIT = re.compile(r"[A-Za-z0-9._:@-]{1,128}")


class RequestIds:
    """ASGI middleware. An id that would not fit a log line is replaced."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sent = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = sent if _FIT.fullmatch(sent) else f"req_{uuid4().hex}"
        scope["deskhand.request_id"] = request_id
        arrived_with.set(carried_by(Headers(scope=scope)))

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault(REQUEST_ID, request_id)
                headers.setdefault("x-content-type-options", "nosniff")
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self.app(scope, receive, named)
