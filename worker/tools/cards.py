"""Every tool there is as people see it."""

from fallbacks.operations.tools import Card, card
from tasks.run.agent import PREFETCH
from worker.config import installed
from worker.config.errors import NotUsableError
from worker.config.own_settings import of_tool
from worker.config.settings import Settings


def cards(settings: Settings) -> tuple[tuple[Card, ...], tuple[str, ...]]:
    """(what can be used, a line for each that cannot): of the environment, whether it is allowed or not."""
    found, broken = list[Card](), list[str]()
    for name in installed.tool_names():
        try:
            found.append(_card(name, settings))
        except NotUsableError as error:
            broken.append(str(error))
    return tuple(found), tuple(broken)


def allowed_cards(settings: Settings) -> tuple[Card, ...]:
    """Of those that may be called here: nothing else is loaded."""
    return tuple(_card(name, settings) for name in sorted({PREFETCH, *settings.allowed_tools}))


def _card(name: str, settings: Settings) -> Card:
    allowed = name == PREFETCH or name in settings.allowed_tools
    variables = tuple(of_tool(name).variables)
    return card(installed.tool(name), allowed=allowed, brought_by=installed.origin_of(name), settings=variables)
