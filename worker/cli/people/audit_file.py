"""`deskhand export --audit`: the journal for auditors, into a file."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from worker.cli.context import run
from worker.cli.output import complain, dump

if TYPE_CHECKING:
    from fallbacks.auditing.export import Journal
    from worker.wiring import Parts


def write_audit(file: Path, *, json: bool) -> None:
    """Write it, and say what is in it and by which key it is signed."""
    if str(file) == "-":
        written, key = run(lambda parts: _written(parts, sys.stdout.buffer))
    else:
        with file.open("wb") as stream:
            written, key = run(lambda parts: _written(parts, stream))
    if json and str(file) != "-":
        dump({"file": str(file), "lines": written.count + 1, **written.counts, "head": written.head, "key": key})
        return
    counts = ", ".join(f"{count} of kind {kind}" for kind, count in written.counts.items())
    complain(f"{written.count + 1} lines ({counts})", f"head {written.head}", f"signed by {key}")


async def _written(parts: "Parts", stream: BinaryIO) -> "tuple[Journal, str]":
    from fallbacks.auditing.export import export_journal
    from worker.config.versions import VERSION

    about = {"deployment": parts.settings.namespace, "version": VERSION}
    journal = await export_journal(parts.store, parts.history, parts.sealer, stream.write, about)
    stream.flush()
    return journal, parts.sealer.public
