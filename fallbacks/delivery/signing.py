"""Standard Webhooks signatures: HMAC-SHA256 over id, time and body, one for each secret in force."""

import base64
import binascii
import hmac
import re
from collections.abc import Sequence

from fallbacks.errors import WebhookSecretError

PREFIX = "whsec_"


def read_secrets(text: str) -> tuple[bytes, ...]:
    """The keys of `whsec_...` secrets split by spaces or commas; raises `WebhookSecretError`, quoting nothing."""
    found = [_key(secret, place) for place, secret in enumerate(re.split(r"[\s,]+", text.strip()), 1) if secret]
    if not found:
        raise WebhookSecretError("no secret given")
    return tuple(found)


def signatures(keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> str:
    """The value of the `webhook-signature` header."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digests = (hmac.digest(key, signed, "sha256") for key in keys)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def _key(secret: str, place: int) -> bytes:
    encoded = secret.removeprefix(PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        key = b""
    if not key:
        raise WebhookSecretError(f"secret {place} is not {PREFIX} and base64 (`openssl rand -base64 32`)")
    return key
