"""A small identity provider over HTTP: OpenID Connect's code flow with PKCE, for one person who is signed in there."""

import base64
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "deskhand", "a client's secret"


class IdentityProvider:
    """claims: of who is signed in there; change them, or `key`, `issuer`, to play another."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.claims: dict[str, Any] = {}
        self.token_claims: dict[str, Any] = {}
        self.denies = False
        self.codes: dict[str, dict[str, str]] = {}
        self.refused: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.issuer = f"http://127.0.0.1:{self.server.server_address[1]}"

    def about(self) -> dict[str, str]:
        """What it says of itself."""
        ends = {"authorization_endpoint": "authorize", "token_endpoint": "token", "userinfo_endpoint": "userinfo"}
        return {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"} | {
            name: f"{self.issuer}/{path}" for name, path in ends.items()
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser goes back to."""
        if self.denies:
            return f"{asked['redirect_uri']}?{urlencode({'error': 'access_denied', 'state': asked['state']})}"
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, sent: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """Tokens for a code, once, to the client that asked for it; None where anything is not as it must be."""
        asked = self.codes.pop(sent.get("code", ""), None)
        expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        challenge = (
            base64.urlsafe_b64encode(sha256(sent.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        )
        faults = {
            "code": asked is None,
            "client": authorization != f"Basic {expected}",
            "pkce": asked is not None and challenge != asked.get("code_challenge"),
            "redirect": asked is not None and sent.get("redirect_uri") != asked["redirect_uri"],
        }
        self.refused += [name for name, wrong in faults.items() if wrong]
        if asked is None or any(faults.values()):
            return None
        now = int(time())
        held = {"iss": self.issuer, "aud": CLIENT_ID, "sub": self.claims["sub"], "iat": now, "exp": now + 300}
        held |= {"nonce": asked["nonce"], **self.token_claims}
        signed = jwt.encode({"alg": "RS256", "kid": self.key.kid}, held, self.key)
        return {"access_token": "an access token", "token_type": "Bearer", "expires_in": 300, "id_token": signed}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                address = urlsplit(self.path)
                asked = {name: values[0] for name, values in parse_qs(address.query).items()}
                match address.path:
                    case "/.well-known/openid-configuration":
                        self._answer(provider.about())
                    case "/keys":
                        self._answer({"keys": [provider.key.as_dict(private=False)]})
                    case "/userinfo":
                        self._answer(provider.claims)
                    case "/authorize":
                        self.send_response(302)
                        self.send_header("Location", provider.authorize(asked))
                        self.end_headers()
                    case _:
                        self._answer({}, 404)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                sent = {name: values[0] for name, values in parse_qs(body).items()}
                found = provider.token(sent, self.headers.get("Authorization", ""))
                self._answer(found or {"error": "invalid_grant"}, 200 if found else 400)

            def _answer(self, found: dict[str, Any], status: int = 200) -> None:
                data = json.dumps(found).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    """One at work."""
    provider = IdentityProvider()
    thread = threading.Thread(target=provider.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.server.shutdown()
        provider.server.server_close()
        thread.join()
