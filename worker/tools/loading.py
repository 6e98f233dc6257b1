"""Tools by name, or in a file that is not installed yet."""

import importlib.util
from collections.abc import Iterable, Iterator
from pathlib import Path

from tasks.run.tool import ToolDefinition
from worker.config.errors import NotUsableError
from worker.config.settings import Settings
from worker.tools import toolbox


def definitions(names: Iterable[str], settings: Settings) -> Iterator[ToolDefinition]:
    """names: of tools that there are, or paths of Python files. Raises `NotUsableError`."""
    for name in names:
        if name.endswith(".py"):
            yield from _in_file(Path(name))
        else:
            yield toolbox.found(name, settings)


def _in_file(path: Path) -> list[ToolDefinition]:
    if not path.is_file():
        raise NotUsableError(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None  # noqa: S101 - its name ends in .py
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever somebody's file does when it is read
        raise NotUsableError(f"{path} cannot be loaded: {type(error).__name__}: {error}") from error
    found = [value for value in vars(module).values() if isinstance(value, ToolDefinition)]
    if not found:
        raise NotUsableError(f"{path} has no tool in it")
    return found
