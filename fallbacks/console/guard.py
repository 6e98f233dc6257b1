"""What holds for every request: security headers, no forms from other sites, no endless bodies."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fallbacks.console.languages import language, preferred
from tasks.language import speaking

MOST_FORM_BYTES = 64 * 1024
MOST_REPAIR_BYTES = 1024 * 1024
"""A message of 256 KiB that could not be read comes back whole, and a form spells a byte with up to three."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Frame-Options": "DENY",
}

_READS = frozenset({"GET", "HEAD"})


class Guard:
    """ASGI middleware around the whole console."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = None if scope["method"] in _READS else _refusal(Headers(scope=scope), _most(scope["path"]))
        await (refusal or self._app)(scope, receive, send_guarded)


class Listener:
    """ASGI middleware: the console speaks what the browser asks for, until it is known who asks and what they chose."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Headers(scope=scope).get("accept-language", "") if scope["type"] == "http" else ""
        with speaking(language(preferred(asked)).language):
            await self._app(scope, receive, send)


def _most(path: str) -> int:
    return MOST_REPAIR_BYTES if path.endswith("/repair") else MOST_FORM_BYTES


def _refusal(headers: Headers, most: int) -> PlainTextResponse | None:
    """Why a writing request is not let in; None where it may pass."""
    if not _same_origin(headers):
        return PlainTextResponse("This form was sent from another site.\n", 403)
    length = headers.get("content-length", "")
    if not length.isdecimal():
        return PlainTextResponse("The length of the form is missing.\n", 411)
    if int(length) > most:
        return PlainTextResponse("The form is too large.\n", 413)
    return None


def _same_origin(headers: Headers) -> bool:
    """Browsers say where a request comes from in headers that no page can forge; who says nothing is refused."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    _, _, host = headers.get("origin", "").partition("://")
    return bool(host) and host == headers.get("host")
