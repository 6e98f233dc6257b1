"""Whether traces are wanted, by the standard OTEL_* variables."""

import logging
from collections.abc import Mapping

from worker.telemetry.tracing import NoTracing, Tracing

log = logging.getLogger(__name__)


def make_tracing(environ: Mapping[str, str]) -> Tracing:
    """Traces over OTLP/HTTP where the standard OTEL_* variables name a collector and the extra `otel` is installed."""
    if not _wanted(environ):
        return NoTracing()
    try:
        from worker.telemetry.otel import exporting  # 0.2 s of import only where it is in use
    except ImportError:
        log.warning("OTEL_* names a collector, but no traces are sent: pip install 'deskhand[otel]'")
        return NoTracing()
    return exporting(environ)


def _wanted(environ: Mapping[str, str]) -> bool:
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or environ.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp":
        return False
    return bool(environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"))
