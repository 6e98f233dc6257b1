"""`python -m worker.connectors.mail.pdf_process CHARS PAGES CPU_SECONDS MEMORY_BYTES`: reads a PDF on standard input.

A line of JSON a page as soon as it is read: `{"page": "..."}`; at the end `{"note": "..."}`, what was left out.
"""

import json
import sys
from contextlib import suppress
from io import BytesIO


def main(most_chars: int, most_pages: int, cpu_seconds: int, memory_bytes: int) -> None:
    """Read the file and print what it says."""
    raw = sys.stdin.buffer.read()
    _limit(cpu_seconds, memory_bytes)
    try:
        note = _pages(raw, most_chars, most_pages)
    except ImportError:
        note = "PDFs are not read here: pip install 'deskhand[mail]'"
    except MemoryError:
        note = "the PDF took too much memory to be read to its end"
    except Exception as error:  # the library raises nearly anything on a damaged file
        note = f"the PDF could not be read to its end: {type(error).__name__}"
    _say({"note": note})


def _pages(raw: bytes, most_chars: int, most_pages: int) -> str:
    from pypdf import PdfReader  # under the limits, as all that follows

    reader = PdfReader(BytesIO(raw))
    if reader.is_encrypted and not reader.decrypt(""):
        return "the PDF is encrypted"
    left = most_chars
    for number, page in enumerate(reader.pages):
        if number == most_pages or left <= 0:
            return f"of {len(reader.pages):,} pages the first {number} were read"
        text = page.extract_text().replace("\0", "")[:left]
        left -= len(text)
        _say({"page": text.encode("utf-8", "replace").decode()})
    return "" if left < most_chars else "the PDF holds no text: its pages are images"


def _say(line: dict[str, str]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _limit(cpu_seconds: int, memory_bytes: int) -> None:
    with suppress(
        ImportError, ValueError, OSError
    ):  # where the system knows no such limits, the parent's clock is left
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:5]))
