"""Reads the file that takes the place of the built-in prompt. A file that cannot be used is refused with the reason."""

from pathlib import Path

from tasks.errors import InvalidPrompt
from tasks.run.prompt import MAX_RULES_CHARS, Prompt, read_prompt
from worker.config.errors import PromptFileError

MAX_BYTES = 4 * MAX_RULES_CHARS
"""UTF-8 takes at most four bytes a character."""


def load_prompt(path: Path) -> Prompt:
    """The prompt of a text file. Raises `PromptFileError`."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise PromptFileError(path, f"is larger than {MAX_BYTES:,} bytes")
        return read_prompt(raw.decode("utf-8-sig"))
    except OSError as error:
        raise PromptFileError(path, f"cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise PromptFileError(path, "is not UTF-8") from None
    except InvalidPrompt as error:
        raise PromptFileError(path, str(error)) from None
