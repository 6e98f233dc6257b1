"""Reading what a model's API, or a gateway in its place, has sent: JSON that can be stored and sent back."""

import json
import math
import unicodedata
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from typing import Any

from tasks.errors import ModelError
from tasks.reasons import Reason

MOST_TOKENS = 10**8
"""Of one call: a hundred times the largest context window. More is no usage, and too much for the ledger's sums."""

UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What reading raises for a reply that is none."""


def read_json(body: bytes, most_bytes: int) -> Any:
    """Raises `ValueError` for what cannot be kept: too long, not JSON, an infinite number, half a surrogate pair."""
    if len(body) > most_bytes:
        raise ValueError("longer than any reply")
    value = _DECODER.decode(body.removeprefix(BOM_UTF8).decode())
    if b"\\ud" in body or b"\\uD" in body:  # half a surrogate pair could neither be stored nor replayed
        dumps(value).encode()
    return value


def streamed(body: bytes) -> Iterator[Any]:
    """The events of a stream of server-sent events, as JSON; none where it is no such stream, or has no error."""
    for line in body.splitlines() if body.lstrip()[:6] in _STREAMED and b'"error"' in body else ():
        name, _, value = line.partition(b":")
        try:
            if name == b"data":
                yield json.loads(value)
        except (ValueError, RecursionError):
            continue


def text(value: Any) -> str:
    """A string. Raises `TypeError`."""
    if not isinstance(value, str):
        raise TypeError("not a string")
    return value


def count(value: Any) -> int:
    """Tokens; gateways written in other languages send whole numbers as floats. Raises `ValueError`."""
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int or not 0 <= value <= MOST_TOKENS:
        raise ValueError("not a count of tokens")
    return value


def most_tokens(body: bytes) -> int:
    """Upper bound of the tokens in a request, whatever the tokenizer.

    - Byte-level BPE (GPT, Llama 3, Qwen, DeepSeek, Mistral's Tekken) and SentencePiece with byte fallback (Llama 2,
      Gemma): a token is at least one byte. JSON as sent is no shorter than the text in it.
    - Tokenizers that normalise first (NFKC: U+FDFA becomes 18 letters): at least one byte of the normalised text.
    """
    written = body.decode()
    return len(body) if written.isascii() else max(len(body), len(unicodedata.normalize("NFKC", written).encode()))


def malformed(api: str, error: Exception) -> ModelError:
    """What came was no reply of this API; it may have been paid all the same."""
    return ModelError(
        Reason.MALFORMED_REPLY, f"the reply is not one of {api} ({type(error).__name__})", maybe_paid=True
    )


def encoded(text: str) -> bytes:
    """A request's bytes. Text of a ticket that UTF-8 cannot carry raises `ModelError(MODEL_REQUEST_INVALID)`: nothing
    was sent.
    """
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ModelError(
            Reason.MODEL_REQUEST_INVALID, "the conversation holds text that is not valid Unicode", maybe_paid=False
        ) from None


def one_line(*parts: object) -> str:
    """The detail of a failure; empty parts are left out, and each is cut."""
    said = " ".join(str(part)[:120] for part in parts if part)
    return said.encode(errors="replace").decode()  # half a surrogate pair could not be stored


def _finite(number: str) -> float:
    if not math.isfinite(value := float(number)):
        raise ValueError(f"{number[:20]} cannot be stored as JSON")
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


_STREAMED = (b"event:", b"data: ", b"data:{", b": ping")
_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_finite)

dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain).encode
"""JSON as it is sent."""
