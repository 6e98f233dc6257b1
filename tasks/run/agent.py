"""The agent: what is the same for every ticket it works."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from tasks.run.messages import ToolSpec
from tasks.run.process import Process
from tasks.run.tool import Tool, tools_version
from tasks.safety.screen import Screen, Screening

PREFETCH = "ticket_context"
"""The tool that looks up what every ticket needs, before the first model call; where there is none, nothing is."""


@dataclass(frozen=True)
class Agent:
    """A process with its tools, and what every request repeats.

    max_tokens: of one reply. call_seconds: longest one model call may take, besides the run's own limit.
    canary: the token in `system` that no reply may have; "" for none. code_version: see `ConversationStarted`.
    screen: what looks for marks of an attack in a ticket.
    """

    process: Process
    tools: Mapping[str, Tool]
    max_tokens: int = 1024
    call_seconds: float = 30.0
    canary: str = ""
    code_version: str = ""
    screen: Screen = field(default_factory=Screen)

    def screened(self, text: str) -> Screening:
        """The marks of a ticket's text."""
        return self.screen.read(text, self.canary)

    @cached_property
    def system(self) -> str:
        """The stable instruction."""
        return self.process.system(self.canary)

    @cached_property
    def specs(self) -> tuple[ToolSpec, ...]:
        """The offered tools, and last the one that ends a run."""
        return (*(tool.spec() for tool in self.tools.values() if tool.offered), self.process.terminal)

    @cached_property
    def versions(self) -> tuple[str, str, str]:
        """Of prompt, taxonomy and tools: a conversation is bound to them."""
        return self.process.prompt.version, self.process.taxonomy_version, tools_version(self.specs)
