"""Every error this package raises."""

from pathlib import Path


class WorkerError(Exception):
    """Base of the package's errors. The message is one line for the operator and names what to change."""


class TaxonomyFileError(WorkerError):
    """A taxonomy file cannot be used. The message is `FILE:LINE: reason`; `line` counts from 1."""

    def __init__(self, path: Path, line: int, reason: str) -> None:
        super().__init__(f"{path}:{line}: {reason}")
        self.path = path
        self.line = line
        self.reason = reason


class PromptFileError(WorkerError):
    """A prompt file cannot be used. The message is `FILE: reason`."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


class PriceFileError(WorkerError):
    """A price file cannot be used. The message is `FILE: reason`."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


class LocalModelError(WorkerError):
    """The local model cannot be trained or does not fit the taxonomy in force."""


class SettingsError(WorkerError):
    """The environment cannot be used. `faults`: one clear line each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class ModelNotInstalledError(WorkerError):
    """A tier's model needs an extra that is not installed. The message says how to install it."""


class ToolsFileError(WorkerError):
    """A file of described tools cannot be used. The message is `FILE: reason`."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


class NotUsableError(WorkerError):
    """A tool or a process that the settings name is not there, or its package cannot be used. The message says why."""


class CustomerFileError(WorkerError):
    """The embedded customer directory's file cannot be used. The message is `FILE:LINE: reason`."""


class LabelledFileError(WorkerError):
    """A file of labelled tickets cannot be used. The message is `FILE:LINE: reason`."""

    def __init__(self, path: Path, line: int, reason: str) -> None:
        super().__init__(f"{path}:{line}: {reason}")


class NothingIsKeptError(WorkerError):
    """Something tried to write or act where nothing is kept, as in an evaluation or a replay: a fault of ours."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what!r} would write or act, and nothing is kept here; please report it")
