"""Logs: lines for people or JSON for machines, to stderr. Nothing logs ticket text."""

import json
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

from fallbacks.errors import StoreUnreachable
from fallbacks.ledger import journal_log
from tasks.safety.redact import redact
from worker.config.settings import LogFormat

FIRST_LINES = 3
SPELL_SECONDS = 60.0
MOST_FAULTS = 1000

CONSUMER = "celery.worker.consumer"
"""Says at level INFO, too, that a connection was lost and found."""

QUIET = ("httpx", "httpx2", "httpcore", "anthropic", "amqp", "kombu", "celery.worker.strategy", "celery.app.trace")


class JsonFormatter(logging.Formatter):
    """One JSON object a line: at (RFC 3339, UTC), level, logger, message, fields of their own, and what was raised."""

    def format(self, record: logging.LogRecord) -> str:
        """The line for one record."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class RedactingFormatter(logging.Formatter):
    """Masks personal data in what another formatter made of a record: an error's message may quote anything."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """The masked line; lines of the journal carry ids and numbers only, and stay as they are."""
        line = self._inner.format(record)
        return line if hasattr(record, "fields") else redact(line)


class Repeats(logging.Filter):
    """Lets the first lines of one fault through, and then one a minute that says how many there were.

    One fault: warnings and errors of one logger with one template, and whatever Celery's consumer says. A lost
    connection costs no traceback.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._seen: dict[tuple[str, str], _Spell] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this record is written."""
        if record.levelno < logging.WARNING and not record.name.startswith(CONSUMER):
            return True
        _without_traceback(record)
        now, key = self._clock(), (record.name, str(record.msg)[:200])
        spell = self._seen.get(key)
        if spell is None or now - spell.began >= SPELL_SECONDS:
            if spell is not None and spell.left_out:
                record.msg = f"{record.getMessage()} (and {spell.left_out} more like it in {now - spell.began:.0f} s)"
                record.args = None
            if len(self._seen) >= MOST_FAULTS:
                self._seen.clear()
            self._seen[key] = _Spell(now, 1 if spell is None else FIRST_LINES)
            return True
        if spell.written < FIRST_LINES:
            spell.written += 1
            return True
        spell.left_out += 1
        return False


@dataclass(slots=True)
class _Spell:
    began: float
    written: int
    left_out: int = 0


def _without_traceback(record: logging.LogRecord) -> None:
    error = record.exc_info[1] if record.exc_info else None
    if error is None or not _is_of_a_connection(error):
        return
    said = record.getMessage()
    record.msg = said if str(error) in said else f"{said}: {type(error).__name__}: {error}"
    record.args = record.exc_info = record.exc_text = None


def _is_of_a_connection(error: BaseException) -> bool:
    library = type(error).__module__.partition(".")[0]
    return isinstance(error, OSError | StoreUnreachable) or library in ("redis", "amqp", "kombu")


def configure_logs(log_format: LogFormat, level: int = logging.INFO, *, redacted: bool = False) -> None:
    """Set up the root logger once per process. redacted: mask personal data in what is logged."""
    handler = logging.StreamHandler(sys.stderr)
    plain = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    formatter = JsonFormatter() if log_format is LogFormat.JSON else plain
    handler.addFilter(Repeats())
    handler.setFormatter(RedactingFormatter(formatter) if redacted else formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    journal_log.log.setLevel(logging.NOTSET if log_format is LogFormat.JSON else logging.WARNING)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
