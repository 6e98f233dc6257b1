"""How a helpdesk's calls prove where they come from: by a signature of what they say, or by a shared token."""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from worker.connectors.errors import HookRefusedError

EnvName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,99}$")]
"""Secrets stand in the environment, never in the file; under DESKHAND_ only settings may stand."""

_STRICT = ConfigDict(frozen=True, extra="forbid")
_PLACE = re.compile(r"\{([a-z][a-z0-9-]{0,99})\}")
_PARTS, _BLANKS = re.compile(r"[,;\s]+"), re.compile(r"\s+")
_SECONDS, _MILLISECONDS = re.compile(r"\d{9,12}"), re.compile(r"\d{13}")


class Signature(BaseModel):
    """HMAC over the body, or over timestamp and body. separator: between the two. signed_prefix: what stands before
    both and is signed with them (Slack's and Zoom's `v0:`). signed: all of it, where that is not enough: `{body}`,
    `{timestamp}` and headers by name, as Standard Webhooks has `{webhook-id}.{timestamp}.{body}`.

    prefix: before each signature in the header, of which one must fit: a secret is changed while both are in use.
    timestamp_key: the timestamp's name in that same header (Stripe's `t=...,v1=...`). key: how the secret is written.
    """

    model_config = _STRICT

    header: str
    secret_env: EnvName
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    key: Literal["text", "base64"] = "text"
    signed: str | None = None
    signed_prefix: str = ""
    prefix: str = ""
    timestamp_header: str | None = None
    timestamp_key: str | None = None
    separator: str = ""
    tolerance_seconds: Annotated[int, Field(ge=1)] = 300

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        timed = self.timestamp_header is not None or self.timestamp_key is not None
        if self.signed is None:
            return self
        places = _PLACE.findall(self.signed)
        if self.signed_prefix or self.separator or "body" not in places:
            raise ValueError("signed: holds {body}, and stands without signed_prefix and separator")
        if ("timestamp" in places) != timed:
            raise ValueError("signed: {timestamp} goes with timestamp_header or timestamp_key, and they with it")
        return self

    def check(self, secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """Raises `HookRefusedError`."""
        shown = headers.get(self.header.lower(), "")
        between = _BLANKS if "," in self.prefix else _PARTS
        parts = [part for part in between.split(shown) if part][:20]
        said = self._timestamp(headers, parts)
        if said is not None and abs((_moment(said) - now).total_seconds()) > self.tolerance_seconds:
            raise HookRefusedError("the timestamp is too far from now")
        wanted = hmac.new(self._key(secret), self._signed(said, headers, body), self.algorithm).digest()
        fits = [
            hmac.compare_digest(self._raw(part[len(self.prefix) :]), wanted)
            for part in parts
            if part.startswith(self.prefix)
        ]
        if not any(fits):
            raise HookRefusedError(f"the signature in {self.header} does not fit the body")

    def _timestamp(self, headers: Mapping[str, str], parts: list[str]) -> str | None:
        if self.timestamp_key is not None:
            begin = f"{self.timestamp_key}="
            return next((part.removeprefix(begin) for part in parts if part.startswith(begin)), "")
        return None if self.timestamp_header is None else headers.get(self.timestamp_header.lower(), "")

    def _signed(self, said: str | None, headers: Mapping[str, str], body: bytes) -> bytes:
        if self.signed is None:
            return self.signed_prefix.encode() + (b"" if said is None else (said + self.separator).encode()) + body
        pieces = _PLACE.split(self.signed)
        known = {"timestamp": (said or "").encode(), "body": body}
        return b"".join(
            (known[piece] if piece in known else headers.get(piece, "").encode()) if at % 2 else piece.encode()
            for at, piece in enumerate(pieces)
        )

    def _key(self, secret: str) -> bytes:
        if self.key == "text":
            return secret.encode()
        try:
            return base64.b64decode(secret.removeprefix("whsec_"))
        except binascii.Error:
            raise HookRefusedError(f"the secret in {self.secret_env} is not base64") from None

    def _raw(self, shown: str) -> bytes:
        try:
            return bytes.fromhex(shown) if self.encoding == "hex" else base64.b64decode(shown, validate=True)
        except (ValueError, binascii.Error):
            return b""


class Token(BaseModel):
    """A shared secret in a header, for systems that do not sign. Over TLS only: who sees one call can make others."""

    model_config = _STRICT

    header: str
    secret_env: EnvName

    def check(self, secret: str, headers: Mapping[str, str], _body: bytes, _now: datetime) -> None:
        """Raises `HookRefusedError`."""
        if not hmac.compare_digest(headers.get(self.header.lower(), "").encode(), secret.encode()):
            raise HookRefusedError(f"the token in {self.header} is wrong")


def _moment(said: str) -> datetime:
    """Seconds or milliseconds since 1970, or ISO 8601. Raises `HookRefusedError`."""
    try:
        if _SECONDS.fullmatch(said) or _MILLISECONDS.fullmatch(said):
            return datetime.fromtimestamp(int(said) / (1000 if len(said) == 13 else 1), UTC)
        at = datetime.fromisoformat(said)
    except (ValueError, OverflowError, OSError):
        raise HookRefusedError("the timestamp is missing or none") from None
    return at.replace(tzinfo=at.tzinfo or UTC)
