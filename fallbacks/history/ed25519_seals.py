"""Seals with an Ed25519 key pair (RFC 8032): who can check a seal cannot make one."""

import base64
import binascii
import hmac
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import SecretStr

PRIVATE, PUBLIC = "dhs_", "dhp_"
"""How a private and a public key begin; base64 of 32 bytes follows."""

FILE = "audit.key"
"""In HOME."""

KEY_BYTES = 32


class Ed25519Sealer:
    """Implements `fallbacks.history.seals.Sealer`."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._seed = seed

    @property
    def public(self) -> str:
        return PUBLIC + _text(self._key.public_key().public_bytes_raw())

    def seal(self, what: bytes) -> str:
        return _text(self._key.sign(what))

    def pseudonym(self, what: str) -> str:
        return hmac.digest(self._seed, b"deskhand pseudonym " + what.encode(), "sha256").hex()[:32]


def kept_sealer(given: SecretStr | None, home: Path) -> Ed25519Sealer:
    """By the key that is given, else by one kept in HOME, made when it is missing. Raises OSError and ValueError."""
    return Ed25519Sealer(read_private(given.get_secret_value()) if given else kept_seed(home / FILE))


def read_private(text: str) -> bytes:
    """The seed of `dhs_...`. Raises ValueError, quoting nothing."""
    return _bytes(text, PRIVATE)


def read_public(text: str) -> bytes:
    """The key of `dhp_...`. Raises ValueError."""
    return _bytes(text, PUBLIC)


def sealed_by(public: str, what: bytes, seal: str) -> bool:
    """Whether the holder of this public key signed. Raises ValueError where the key is none."""
    key = Ed25519PublicKey.from_public_bytes(read_public(public))
    try:
        key.verify(base64.b64decode(seal, validate=True), what)
    except (InvalidSignature, binascii.Error):
        return False
    return True


def kept_seed(file: Path) -> bytes:
    """The seed in a file, made when it is missing. Several processes may come at once: the first one's stays.

    Raises OSError, and ValueError where the file holds something else.
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_name(f"{file.name}.{os.getpid()}")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as written:
            written.write(PRIVATE + _text(os.urandom(KEY_BYTES)) + "\n")
            written.flush()
            os.fsync(written.fileno())
        try:
            file.hardlink_to(fresh)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return read_private(file.read_text().strip())


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(text: str, prefix: str) -> bytes:
    try:
        raw = base64.b64decode(text.removeprefix(prefix), validate=True)
    except binascii.Error:
        raw = b""
    if not text.startswith(prefix) or len(raw) != KEY_BYTES:
        raise ValueError(f"is not {prefix} and base64 of {KEY_BYTES} bytes")
    return raw
