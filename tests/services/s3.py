"""As much of S3 as cold files need, over HTTP: objects of buckets, by path."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import ClassVar, Self


class S3Server:
    """objects: `/bucket/key` -> bytes. refuse: answers 503 to everything."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.refuse = False
        handler = type("Handler", (_Handler,), {"s3": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    s3: ClassVar[S3Server]
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._serves():
            self.s3.objects[self.path] = body
            self._answer(200)

    def do_GET(self) -> None:
        if not self._serves():
            return
        if self.path in self.s3.objects:
            self._answer(200, self.s3.objects[self.path])
        else:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def do_DELETE(self) -> None:
        if self._serves():
            self.s3.objects.pop(self.path, None)
            self._answer(204)

    def _serves(self) -> bool:
        if self.s3.refuse or not self.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256"):
            self._answer(403, b"<Error><Code>AccessDenied</Code></Error>")
            return False
        return True

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base has it
        """Nothing is printed."""
