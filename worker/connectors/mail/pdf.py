"""The text in a PDF, read by pypdf in a process of its own with bounds on time and memory.

pypdf bounds what it decompresses, and still took more than 40 s of a page whose 16 kB unpack to 10 MB: a file that is
built to be slow is cut.
"""

import json
import subprocess
import sys
from subprocess import DEVNULL, PIPE

from tasks.tools.ports import AttachmentText

MAX_PAGES = 50
CPU_SECONDS = 5
WALL_SECONDS = 120.0
"""A busy machine gives it far less than a processor."""

MEMORY_BYTES = 1024 * 1024 * 1024
"""Of address space, which is more than what is in use."""


def pdf_text(raw: bytes, most_chars: int, cpu_seconds: int = CPU_SECONDS) -> AttachmentText:
    """What its first pages say, in their order. A note says what was not read, and why."""
    command = [sys.executable, "-I", "-m", "worker.connectors.mail.pdf_process", str(most_chars), str(MAX_PAGES)]
    limits = [str(cpu_seconds), str(MEMORY_BYTES)]
    try:
        done = subprocess.run(  # noqa: S603 - our own module, and no word of the mail in the command
            [*command, *limits], input=raw, stdout=PIPE, stderr=DEVNULL, timeout=WALL_SECONDS, env={}, check=False
        )
        out, cut = done.stdout, done.returncode != 0
    except subprocess.TimeoutExpired as error:
        out, cut = error.stdout or b"", True
    except OSError as error:
        return AttachmentText("", f"the PDF could not be read: {error.strerror or error}")
    return _said(out, cut=cut)


def _said(out: bytes, *, cut: bool) -> AttachmentText:
    """cut: the process did not end by itself. Its last line may be half a line."""
    pages: list[str] = []
    note = "the PDF took too long, or too much memory, to be read to its end" if cut else ""
    for line in out.splitlines():
        try:
            one = json.loads(line)
        except ValueError:
            break
        if "page" in one:
            pages.append(one["page"])
        else:
            note = one["note"]
    return AttachmentText("\n".join(page for page in pages if page.strip()), note)
