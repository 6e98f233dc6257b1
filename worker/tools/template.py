"""The beginning of a tool: a package with the tool, its test, and what to read. It passes `deskhand tools check`."""

import keyword
import re
from pathlib import Path

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")

PROJECT = """[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "deskhand-{dashed}"
version = "0.1.0"
dependencies = ["deskhand"]

[project.entry-points."deskhand.tools"]
{name} = "{name}:{name}"

[tool.hatch.build.targets.wheel]
include = ["{name}.py"]
"""

TOOL = '''"""The tool {name}. See README.md."""

from collections.abc import Mapping
from typing import Annotated, Any, Protocol
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from tasks.errors import ToolError
from tasks.run.tool import ToolContext, tool


class Settings(BaseModel):
    """The variables {prefix}URL and {prefix}TOKEN."""

    url: Annotated[str, Field(pattern="^https?://")]
    token: SecretStr = SecretStr("")


class Arguments(BaseModel):
    """What the model may choose. Whose record it is comes from the ticket."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: Annotated[
        str, Field(pattern=r"^[0-9]{{4,12}}$", description="The number that the ticket names.", examples=["123456"])
    ]


class Records(Protocol):
    async def of(self, requester: str, number: str) -> Mapping[str, Any] | None:
        """The requester's record with this number; None where there is none. Raises `ToolError`."""
        ...


class HttpRecords:
    """`GET <url>/<requester>/<number>`."""

    def __init__(self, settings: Settings) -> None:
        headers = {{"authorization": f"Bearer {{settings.token.get_secret_value()}}"}}
        self._client = httpx.AsyncClient(base_url=settings.url, headers=headers, timeout=5, trust_env=False)

    async def of(self, requester: str, number: str) -> Mapping[str, Any] | None:
        if requester in (".", ".."):  # would be another address
            return None
        try:
            answer = await self._client.get(f"{{quote(requester, safe='')}}/{{number}}")
        except httpx.HTTPError as error:
            raise ToolError(f"the records cannot be reached: {{type(error).__name__}}") from None
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if not answer.is_success:
            raise ToolError(f"the records answered {{answer.status_code}}")
        found: Mapping[str, Any] = answer.json()
        return found


def clients(settings: Settings) -> Mapping[str, Any]:
    """What the tool is given, by parameter name. Made once in each process."""
    return {{"records": HttpRecords(settings)}}


@tool(timeout_seconds=3.0, calls_per_run=2, calls_per_minute=600, settings=Settings, clients=clients)
async def {name}(arguments: Arguments, context: ToolContext, *, records: Records) -> dict[str, Any]:
    """Look up the record that the ticket names by its number: its state and when it changed."""
    requester = context.ticket.requester
    if requester is None or requester.id is None:
        return {{"known": False, "note": "the ticket names no customer"}}
    found = await records.of(requester.id, arguments.number)
    if found is None:
        return {{"known": False}}
    return {{"known": True, "state": str(found.get("state", ""))[:40], "changed": str(found.get("changed", ""))[:40]}}
'''

TEST = '''"""What the tool asks for, and what the model sees of the answer."""

import asyncio
from collections.abc import Mapping
from typing import Any

from {name} import Arguments, {name}

from tasks.run.tool import ToolContext
from tasks.ticket import Requester, Ticket


class Kept:
    """Records in memory, with more in them than the model may see."""

    async def of(self, requester: str, number: str) -> Mapping[str, Any] | None:
        known = requester == "c-1" and number == "123456"
        return {{"state": "shipped", "changed": "2026-11-30", "card": "4111"}} if known else None


def called(requester: Requester | None) -> Any:
    ticket = Ticket(id="t-1", source="test", subject="", body="Where is 123456?", requester=requester)
    return asyncio.run({name}.bind({{"records": Kept()}}).run(Arguments(number="123456"), ToolContext(ticket)))


def test_the_model_sees_the_state_and_no_more() -> None:
    assert called(Requester(id="c-1")) == {{"known": True, "state": "shipped", "changed": "2026-11-30"}}


def test_nobody_sees_the_record_of_another() -> None:
    assert called(Requester(id="c-2")) == {{"known": False}}
    assert called(None) == {{"known": False, "note": "the ticket names no customer"}}
'''

README = """# {name}

A tool for the agent of Deskhand: it looks up the record that a ticket names.

```console
$ pip install -e .                       # beside deskhand
$ deskhand tools check {name}
$ python -m pytest
$ export DESKHAND_TOOLS=search_knowledge_base,{name} {prefix}URL=https://records.example
$ deskhand tools try {name} --ticket ID --arguments '{{"number": "123456"}}'
```

| setting | what it is |
|---|---|
| `{prefix}URL` | where the records are |
| `{prefix}TOKEN` | a bearer token, where they want one |
"""


def write(name: str, folder: Path) -> list[Path]:
    """The files, in a new folder. Raises `ValueError` for a name that is none, and where the folder is there."""
    if not NAME.fullmatch(name) or len(name) > 40 or keyword.iskeyword(name):
        raise ValueError(f"{name!r} is not a name: lower case letters, digits and underscores, such as lookup_order")
    if folder.exists():
        raise ValueError(f"{folder} is there already")
    folder.mkdir(parents=True)
    written = []
    texts = {"pyproject.toml": PROJECT, f"{name}.py": TOOL, f"test_{name}.py": TEST, "README.md": README}
    for file, text in texts.items():
        known = {"name": name, "dashed": name.replace("_", "-"), "prefix": f"DESKHAND_TOOL_{name.upper()}_"}
        (folder / file).write_text(text.format(**known), encoding="utf-8")
        written.append(folder / file)
    return written
