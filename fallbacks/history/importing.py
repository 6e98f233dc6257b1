"""Archives of releases before there was a history: gzip files, a day each, read into it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from fallbacks.history.archive_format import tickets_in
from fallbacks.history.facts import entry_of
from fallbacks.history.port import History
from tasks.run.process import Process

PAGE = 100


async def import_folder(
    history: History, process: Process, folder: Path, done: Callable[[str, int], None] = lambda _, __: None
) -> int:
    """Every `*.jsonl.gz` of a folder, oldest first; again changes nothing. done: is given each file, and its tickets.

    How many tickets were read. Raises OSError, ValueError where there is no file, and `HistoryUnreachable`.
    """
    files = await asyncio.to_thread(lambda: sorted(folder.glob("*.jsonl.gz")))
    if not files:
        raise ValueError(f"{folder} has no *.jsonl.gz")
    whole = 0
    for file in files:
        tickets = await asyncio.to_thread(lambda path: list(tickets_in(path.read_bytes())), file)
        for start in range(0, len(tickets), PAGE):
            await history.write([entry_of(ticket, process) for ticket in tickets[start : start + PAGE]])
        done(file.name, len(tickets))
        whole += len(tickets)
    return whole
