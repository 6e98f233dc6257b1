"""`deskhand`: the command line. Commands import what is heavy when they run, so that help is quick."""

import sys
from collections.abc import Sequence
from io import TextIOWrapper

from worker.cli.app import app
from worker.cli.faults import lines_of
from worker.cli.output import complain


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command. Exit status: 0 done; 1 a fault, named on stderr; 2 a wrong call."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a locale may not know every character
    try:
        app(args=arguments, prog_name="deskhand")
    except Exception as error:
        lines = lines_of(error)
        if lines is None:
            raise
        complain(*lines)
        sys.exit(1)
