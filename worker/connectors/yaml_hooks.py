"""Field maps from a folder of YAML files, one a helpdesk, with their secrets from the environment."""

import os
from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import ValidationError

from worker.connectors.errors import HookFileError
from worker.connectors.hook import Hook


def load_hooks(folder: Path, environ: Mapping[str, str] = os.environ) -> dict[str, Hook]:
    """By name. Raises `HookFileError` for the first file that cannot be used."""
    if not folder.is_dir():
        raise HookFileError(f"{folder}: DESKHAND_HOOKS is not a folder")
    hooks: dict[str, Hook] = {}
    for path in sorted(folder.glob("*.yaml")):
        hook = _load(path, environ)
        if hook.name in hooks:
            raise HookFileError(f"{path}: another file has the name {hook.name!r}")
        hooks[hook.name] = hook
    return hooks


def _load(path: Path, environ: Mapping[str, str]) -> Hook:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        hook = Hook.model_validate(document)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise HookFileError(f"{path}: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"]))
        raise HookFileError(f"{path}: {where + ': ' if where else ''}{fault['msg']}") from None
    missing = sorted(name for name in hook.needed if not environ.get(name))
    if missing:
        raise HookFileError(f"{path}: set {', '.join(missing)} in the environment")
    return hook.model_copy(update={"secrets": {name: environ[name] for name in hook.needed}})
