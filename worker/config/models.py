"""Which model a tier is: what an entry of `DESKHAND_MODELS` names."""

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from fallbacks.store.urls import checked_http


class Make(StrEnum):
    """Whose form of API a model is asked in. Hosts and gateways that speak it are told apart by their URL."""

    LOCAL = "local"
    ANTHROPIC = "anthropic"
    OPENAI = "openai"
    SYSTEMONE = "systemone"
    BEDROCK = "bedrock"
    VERTEX = "vertex"


_FORMS = (
    "write local, a Claude model's id, or MAKE:ID with an optional @URL; "
    "makes: anthropic, bedrock, openai, systemone, vertex"
)

_MAKES = frozenset(make.value for make in Make)

_AT_URL = re.compile(r"@(?=https?://)")

_NO_HTTP_URL = re.compile(r"@[A-Za-z0-9.-]+:\d+(?:/|$)|[^@]@.*(?:@|:)")
"""What was meant for a URL: an id has at most a version behind its @."""

_HEADER = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*:\s*(\S.*)")


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model. url: of the API's root, as its maker's SDK wants it; None: the maker's own, or what the SDK's variable
    says.
    """

    make: Make
    id: str
    url: str | None = None

    @property
    def name(self) -> str:
        """What decisions, prices, circuit breakers and metrics call it: the same id elsewhere is another model."""
        if self.make is Make.LOCAL:
            return Make.LOCAL.value
        if self.make is Make.ANTHROPIC and self.url is None:
            return self.id
        return f"{self.make}:{self.id}" + (f"@{self.url}" if self.url else "")

    @property
    def anywhere(self) -> "ModelEntry":
        """The same model without its URL: a price may be named for it wherever it is asked."""
        return ModelEntry(self.make, self.id)


def read_model(entry: str) -> ModelEntry:
    """Read an entry. Raises `ValueError` with one line that shows nothing of a password."""
    named, *urls = _AT_URL.split(entry.strip(), maxsplit=1)
    url = _url(urls[0]) if urls else None
    make, colon, model = named.partition(":")
    if not colon:
        make, model = (named, "") if named == Make.LOCAL else (Make.ANTHROPIC, named)
    if make not in _MAKES:
        raise ValueError(f"{_shown(named)} names no make: {_FORMS}")
    if make == Make.LOCAL:
        if colon or url:
            raise ValueError("local takes neither an id nor a URL: it is the classifier in this process")
        return ModelEntry(Make.LOCAL, "")
    if not model or not model.isascii() or not model.isprintable() or " " in model:
        raise ValueError(f"{_shown(named)} has no model's id: {_FORMS}")
    if _NO_HTTP_URL.search(model):
        raise ValueError(f"the URL of {make}:{model.partition('@')[0]} is not an http one: write @http://HOST:PORT/v1")
    return ModelEntry(Make(make), model, url)


def _url(given: str) -> str:
    url = checked_http(given)
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ValueError("a model's URL holds no user, key or query: give the key in the make's own setting")
    return url.rstrip("/")


def _shown(named: str) -> str:
    """Short, and nothing behind an @: a URL without its scheme may hold a password."""
    return repr(named.partition("@")[0][:60])


def read_headers(text: str) -> dict[str, str]:
    """`Name: value` by commas or lines. Raises `ValueError` that shows no value."""
    headers = {}
    for part in filter(None, map(str.strip, re.split(r"[\n,]", text))):
        match = _HEADER.fullmatch(part)
        if match is None or not part.isascii() or not part.isprintable():
            raise ValueError("must be headers such as `Name: value, Other: value`")
        headers[match[1]] = match[2]
    return headers
