"""Tools by description: what a tools.yaml says of an operation of an HTTP service, or of a tool of an MCP server."""

import os
import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from fallbacks.store.urls import checked_http
from tasks.run.approval import Ask
from tasks.run.tool import Effect

MAX_ANSWER_BYTES = 65_536
SOURCES = ("ticket.id", "ticket.source", "requester.id", "requester.email")
"""Of the ticket's envelope: where a parameter may come from that the model must not choose."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,99}$")]
"""Of the environment, with a secret in it. It is named in the file and never written there."""


class _Described(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _source(value: str) -> str:
    if value not in SOURCES:
        raise ValueError(f"must be one of {', '.join(SOURCES)}")
    return value


def _origin(value: str) -> str:
    if re.search(r"[?#@]", checked_http(value)):
        raise ValueError("must be a URL without a user, a query and a fragment")
    return value.rstrip("/")


Source = Annotated[str, AfterValidator(_source)]
Origin = Annotated[str, AfterValidator(_origin)]


class Auth(_Described):
    """How calls are signed in. secret: the variable that holds it. header: which one; bearer tokens need none."""

    secret: Variable
    header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,60}$")] = "authorization"

    def headers(self) -> dict[str, str]:
        """Read from the environment. Raises `ValueError` where it is not set."""
        found = os.environ.get(self.secret, "").strip()
        if not found:
            raise ValueError(f"{self.secret} is not set: auth.secret names it")
        return {self.header: f"Bearer {found}" if self.header.lower() == "authorization" else found}


class Operation(_Described):
    """url: where the service is; nothing else is ever called. document: its OpenAPI file, beside the tools.yaml."""

    url: Origin
    document: str
    operation: str
    auth: Auth | None = None


class Server(_Described):
    """An MCP server: `url` of streamable HTTP, or a program that speaks on stdin and stdout.

    tool: as the server calls it. digest: of its schema and description when it was allowed; another one is refused.
    env: what the program is given of our environment, by name; nothing else.
    """

    url: Origin | None = None
    command: Annotated[tuple[str, ...], Field(max_length=50)] = ()
    env: tuple[Variable, ...] = ()
    tool: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    auth: Auth | None = None
    arguments: Mapping[str, Any] = Field(default_factory=dict, description="its input schema, as it was allowed")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.url) == bool(self.command):
            raise ValueError("needs a url, or a command")
        return self


class DescribedTool(_Described):
    """One tool. about: what the model reads. bound: parameters that the ticket's envelope gives.

    shows: what of the answer the model may see, such as `state` or `items.name`; nothing else reaches it.
    approval: when a person must approve an effect; none: never. key_header: what its idempotency key is sent as.
    """

    about: Annotated[str, StringConstraints(min_length=20, max_length=1_000, strip_whitespace=True)]
    openapi: Operation | None = None
    mcp: Server | None = None
    bound: Mapping[str, Source] = Field(default_factory=dict)
    shows: Annotated[tuple[str, ...], Field(max_length=50)] = ()
    effect: Effect = Effect.NONE
    approval: Ask | None = None
    key_header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,60}$")] = "Idempotency-Key"
    timeout_seconds: Annotated[float, Field(gt=0, le=30)] = 5.0
    calls_per_run: Annotated[int, Field(ge=1, le=100)] = 3
    calls_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = 600
    max_answer_bytes: Annotated[int, Field(ge=100, le=10_000_000)] = MAX_ANSWER_BYTES

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if bool(self.openapi) == bool(self.mcp):
            raise ValueError("needs openapi or mcp")
        if self.approval and self.effect is Effect.NONE:
            raise ValueError("needs an effect: nothing waits for a person that changes nothing")
        if self.openapi and not self.shows:
            raise ValueError("needs shows: what of the answer the model may see")
        return self


class Described(BaseModel):
    """What the file comes to. operation: of its document, resolved; None for a tool of an MCP server."""

    model_config = ConfigDict(frozen=True)

    tool: DescribedTool
    method: str = ""
    path: str = ""
    places: Mapping[str, str] = Field(default_factory=dict)
    arguments: type[BaseModel]

    @property
    def headers(self) -> dict[str, str]:
        """That sign its calls in. Raises `ValueError`."""
        place = self.tool.openapi or self.tool.mcp
        return place.auth.headers() if place and place.auth else {}
