"""Every tool there is as people see it."""

from fallbacks.operations.tools import Card, card
from tasks.run.agent import PREFETCH
from worker.config.errors import NotUsableError
from worker.config.settings import Settings
from worker.tools import toolbox


def cards(settings: Settings) -> tuple[tuple[Card, ...], tuple[str, ...]]:
    """(what can be used, a line for each that cannot): of the environment, whether it is allowed or not."""
    found, broken = list[Card](), list[str]()
    for name in toolbox.names(settings):
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
    origin, variables = toolbox.origin_of(name, settings), toolbox.variables_of(name, settings)
    return card(toolbox.found(name, settings), allowed=allowed, brought_by=origin, settings=variables)
