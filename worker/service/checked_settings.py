"""The settings that a process starts with, checked beyond what they say themselves."""

from worker.config.errors import SettingsError
from worker.config.settings import Settings, load_settings
from worker.connectors.errors import HookFileError


def checked_settings() -> Settings:
    """The environment's, where the field maps that they name can be used. Raises `SettingsError`: a line each fault."""
    settings = load_settings()
    if settings.hooks is not None:
        from worker.connectors.yaml_hooks import load_hooks  # only where there are any

        try:
            load_hooks(settings.hooks)
        except HookFileError as error:
            raise SettingsError([str(error)]) from None
    return settings
