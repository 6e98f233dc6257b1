"""Single keys and lines from a terminal."""

import os
import select
import sys
import termios
from time import monotonic
from types import TracebackType
from typing import Self

QUIT = "q"
_ENDS = (b"", b"\x03", b"\x04")
"""End of input, Ctrl-C and Ctrl-D: all mean quit, never a half-done action."""


class Keyboard:
    """`with Keyboard() as keys:` reads keys as they are pressed; the terminal is as before afterwards."""

    def __init__(self) -> None:
        self._fd = sys.stdin.fileno()
        self._before = termios.tcgetattr(self._fd)

    def __enter__(self) -> Self:
        self._by_key()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def key(self) -> str:
        """The next key; "" for one that means nothing here, such as an arrow."""
        byte = os.read(self._fd, 1)
        if byte in _ENDS:
            return QUIT
        if byte == b"\x1b":
            while select.select([self._fd], [], [], 0.01)[0] and os.read(self._fd, 1):
                pass
            return ""
        return byte.decode("ascii", errors="ignore")

    def pass_over(self, seconds: float) -> None:
        """Take no notice of what is typed for a while."""
        until = monotonic() + seconds
        while (left := until - monotonic()) > 0:
            if select.select([self._fd], [], [], left)[0] and not os.read(self._fd, 1):
                return

    def line(self, prompt: str) -> str | None:
        """A line of text; None where the person thought better of it (Ctrl-C, Ctrl-D)."""
        self._restore()
        try:
            return input(prompt).encode("utf-8", errors="replace").decode().strip()
        except (EOFError, KeyboardInterrupt):
            print()
            return None
        finally:
            self._by_key()

    def _by_key(self) -> None:
        mode = termios.tcgetattr(self._fd)
        mode[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG)
        termios.tcsetattr(self._fd, termios.TCSADRAIN, mode)

    def _restore(self) -> None:
        termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)
