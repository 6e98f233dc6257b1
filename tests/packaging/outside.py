"""A package of somebody else's: a tool with a client and settings of its own, and a process. Ours stays as it is."""

import shutil
from pathlib import Path

from tests.packaging.declared import ROOT

PROJECT = """
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "office-desk"
version = "1.2"
dependencies = ["deskhand"]

[project.entry-points."deskhand.tools"]
lookup_form = "office_desk.offer:lookup_form"

[project.entry-points."deskhand.processes"]
forms = "office_desk.offer:FORMS"
"""

OFFER = '''
"""What the package offers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from office_desk.forms import FORM, Forms
from pydantic import BaseModel, Field, SecretStr
from tasks.run.messages import SUBMIT, ModelReply, ModelRequest, StopReason, TokenUsage
from tasks.run.process import ProcessDefinition
from tasks.run.tool import ToolContext, tool


class OfficeSettings(BaseModel):
    office: str
    token: SecretStr = SecretStr("")


class FormArguments(BaseModel):
    form: str = Field(pattern=r"^[A-Z][0-9]{1,2}$", description="Which form.")


class Office:
    def __init__(self, settings: OfficeSettings) -> None:
        self.settings = settings

    async def keeps(self, form: str) -> dict[str, str]:
        return {"form": form, "office": self.settings.office}


def clients(settings: OfficeSettings) -> Mapping[str, Any]:
    return {"office": Office(settings)}


@tool(timeout_seconds=2.0, settings=OfficeSettings, clients=clients)
async def lookup_form(arguments: FormArguments, context: ToolContext, *, office: Office) -> dict[str, str]:
    """Look up which office keeps a form."""
    return await office.keeps(arguments.form)


class FormReader:
    """Looks the form up, and then answers what stands on it."""

    name = "form-reader"

    async def call(self, request: ModelRequest) -> ModelReply:
        found = FORM.search(request.ticket.text)
        looked_up = len(request.messages) > 1
        wanted = {"form": found[1], "number": found[2], "confidence": 0.95} if looked_up else {"form": found[1]}
        name = SUBMIT if looked_up else "lookup_form"
        block = {"type": "tool_use", "id": f"tu_{len(request.messages)}", "name": name, "input": wanted}
        return ModelReply((block,), StopReason.TOOL_USE, TokenUsage(input_tokens=100, output_tokens=10), self.name)

    def worst_case(self, request: ModelRequest) -> int:
        return 0

    def cost(self, usage: TokenUsage) -> int:
        return 0


FORMS = ProcessDefinition(
    kind=Forms,
    make=lambda settings: Forms(),
    cards=Path(__file__).parent / "cards",
    tools=("lookup_form",),
    local=FormReader,
)
'''


def office_desk(folder: Path) -> Path:
    """The package's project, with the process that `tests/second_process` has."""
    package, second = folder / "office_desk", ROOT / "tests" / "second_process"
    package.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(PROJECT)
    (package / "__init__.py").touch()
    (package / "offer.py").write_text(OFFER)
    shutil.copy(second / "forms.py", package)
    shutil.copytree(second / "cards", package / "cards")
    return folder
