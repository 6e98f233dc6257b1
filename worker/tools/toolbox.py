"""Every tool of a deployment by its name: ours, a package's, or one that its tools file describes. It chooses edges."""

from tasks.run.tool import ToolDefinition
from worker.config import installed, own_settings
from worker.config.described import Described
from worker.config.settings import Settings
from worker.tools.described import Service, definition


def names(settings: Settings) -> tuple[str, ...]:
    """Of all there are, whether they are allowed or not."""
    return tuple(sorted({*installed.tool_names(), *settings.described}))


def found(name: str, settings: Settings) -> ToolDefinition:
    """Raises `NotUsableError`."""
    described = settings.described.get(name)
    return definition(name, described, _connected) if described else installed.tool(name)


def origin_of(name: str, settings: Settings) -> str:
    """What brings it, in words."""
    described = settings.described.get(name)
    if described is None:
        return installed.origin_of(name)
    return "the tools file: an MCP server" if described.tool.mcp else "the tools file: an HTTP service"


def variables_of(name: str, settings: Settings) -> tuple[str, ...]:
    """Its settings."""
    described = settings.described.get(name)
    if described is None:
        return tuple(own_settings.of_tool(name).variables)
    place = described.tool.openapi or described.tool.mcp
    return (place.auth.secret,) if place and place.auth else ()


def _connected(described: Described) -> Service:
    if described.tool.mcp is not None:
        from worker.tools.mcp.client import McpTool  # the SDK only where a server is described

        return McpTool(described)
    from worker.tools.http_operation import HttpOperation  # httpx only where a service is described

    return HttpOperation(described)
