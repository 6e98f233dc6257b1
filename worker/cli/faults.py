"""What a person reads when a command cannot do its work: one clear line a fault, never a traceback."""

from pathlib import Path


class CommandFailed(Exception):
    """A command found something wrong and has said all there is to say in `lines`."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def lines_of(error: Exception) -> list[str] | None:
    """One line for each fault, or None for an error that nobody expected: that one deserves its traceback."""
    from fallbacks.errors import FallbacksError, StoreUnreachable
    from tasks.errors import TasksError
    from worker.clients import ClientError
    from worker.config.errors import SettingsError, WorkerError

    match error:
        case CommandFailed():
            return list(error.lines)
        case SettingsError():
            return error.faults
        case StoreUnreachable():
            return [f"the store cannot be reached ({error}): check DESKHAND_REDIS_URL, or run `deskhand doctor`"]
        case ClientError() | WorkerError() | FallbacksError() | TasksError():
            return str(error).splitlines() or [type(error).__name__]
        case FileNotFoundError() | PermissionError() | IsADirectoryError() | NotADirectoryError():
            return [f"{Path(error.filename or '').as_posix()}: {(error.strerror or 'cannot be used').lower()}"]
        case ConnectionError() | TimeoutError():
            return [f"no connection: {error}"]
        case _:
            return _foreign(error)


def _foreign(error: Exception) -> list[str] | None:
    """Errors of the libraries we stand on, and the two built-in ones that our packages raise for people."""
    library = type(error).__module__.partition(".")[0]
    if library in ("redis", "kombu", "amqp"):
        return [f"no connection to the store or broker: {type(error).__name__}: {error}"]
    raised_for_people = type(error) in (ValueError, LookupError)  # subclasses such as KeyError are faults of ours
    return [str(error)] if raised_for_people and str(error) else None
