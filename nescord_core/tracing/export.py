"""Starts and ends the recording of spans in a process, if OpenTelemetry's variables ask for it.

Without them nothing of OpenTelemetry is imported.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from nescord_core.tracing import spans

__all__ = ["exporting", "wanted"]

log = logging.getLogger("nescord")

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_EXPORTER = "OTEL_TRACES_EXPORTER"


def wanted(environ: Mapping[str, str]) -> bool:
    """Return whether the standard variables ask for traces: by an endpoint, or by naming an exporter.

    https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
    """
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = environ.get(_EXPORTER, "").strip().lower()
    return exporter != "none" and (bool(exporter) or any(environ.get(name) for name in _ENDPOINTS))


@contextmanager
def exporting(service: str) -> Iterator[None]:
    """Record the spans of this process while the block runs, if the environment asks for it."""
    if spans.active is not None or not wanted(os.environ):
        yield
        return
    try:
        from nescord_core.tracing.open_telemetry import OpenTelemetry
    except ImportError as error:
        log.warning("no traces, which OTEL_ variables ask for: %s (install nescord[otel])", error)
        yield
        return
    spans.active = recording = OpenTelemetry(service, os.environ)
    try:
        yield
    finally:
        spans.active = None
        recording.close()
