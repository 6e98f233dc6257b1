"""The web console: the people's door to the inbox. Server-rendered, whole without JavaScript, fast with it."""

from fallbacks.console.app import make_console
from fallbacks.console.deps import ConsoleDeps

__all__ = ["ConsoleDeps", "make_console"]
