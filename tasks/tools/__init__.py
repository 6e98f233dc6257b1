"""The tools a run may call. One file each; worker/wiring.py injects their clients."""

import importlib
import pkgutil

from tasks.run.tool import ToolDefinition


def discover() -> tuple[ToolDefinition, ...]:
    """Every tool of this package by name, so that adding one is adding a file. Raises `TypeError` on a name twice."""
    found: dict[str, ToolDefinition] = {}
    for module_info in pkgutil.iter_modules(__path__, f"{__name__}."):
        module = importlib.import_module(module_info.name)
        for value in vars(module).values():
            if not isinstance(value, ToolDefinition) or value.function.__module__ != module.__name__:
                continue
            if value.name in found:
                raise TypeError(f"two tools are named {value.name!r}")
            found[value.name] = value
    return tuple(found[name] for name in sorted(found))
