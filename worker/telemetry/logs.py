"""Logs: lines for people or JSON for machines, to stderr. Nothing logs ticket text."""

import json
import logging
import sys
from datetime import UTC, datetime

from fallbacks.ledger import journal_log
from tasks.safety.redact import redact
from worker.config.settings import LogFormat

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


def configure_logs(log_format: LogFormat, level: int = logging.INFO, *, redacted: bool = False) -> None:
    """Set up the root logger once per process. redacted: mask personal data in what is logged."""
    handler = logging.StreamHandler(sys.stderr)
    plain = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    formatter = JsonFormatter() if log_format is LogFormat.JSON else plain
    handler.setFormatter(RedactingFormatter(formatter) if redacted else formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    journal_log.log.setLevel(logging.NOTSET if log_format is LogFormat.JSON else logging.WARNING)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
