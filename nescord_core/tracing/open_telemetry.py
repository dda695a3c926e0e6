"""Records spans with OpenTelemetry's SDK, see `nescord_core.tracing.spans`; imported only where wanted.

Exporter, endpoint, sampler, resource and limits are those of the standard variables.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import entry_points

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from nescord_core._version import __version__
from nescord_core.envelope import Envelope
from nescord_core.tracing.spans import EventTrace, Span, ids_of

__all__ = ["OpenTelemetry"]

log = logging.getLogger("nescord")

FLUSH = 2.0
"""Seconds that a process takes at most to export its last spans."""
_PROTOCOLS = {"http/protobuf": "otlp_proto_http", "grpc": "otlp_proto_grpc"}
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_NOT_SAMPLED = TraceFlags(TraceFlags.DEFAULT)


class OpenTelemetry:
    """Implements `nescord_core.tracing.spans.Spans`; creating it starts the thread that exports."""

    def __init__(self, service: str, environ: Mapping[str, str]) -> None:
        self._ids = _Ids()
        # Named in OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES, a service keeps that name.
        own = Resource(
            {
                "service.name": f"nescord-{service}",
                "service.version": __version__,
                "process.pid": os.getpid(),
            }
        )
        resource = (
            own.merge(Resource.create()) if _names_service(environ) else Resource.create(own.attributes)
        )
        self._provider = TracerProvider(resource=resource, id_generator=self._ids, shutdown_on_exit=False)
        for name in _exporters(environ):
            self._add(name)
        trace.set_tracer_provider(self._provider)
        self._tracer = self._provider.get_tracer("nescord", __version__)
        self._propagator = TraceContextTextMapPropagator()

    def _add(self, name: str) -> None:
        found = entry_points(group="opentelemetry_traces_exporter", name=name)
        if not found:
            log.warning("the OpenTelemetry exporter %s is not installed: no traces are exported to it", name)
        for each in found:
            self._provider.add_span_processor(BatchSpanProcessor(each.load()()))

    def event(self, envelope: Envelope) -> EventTrace:
        """Begin an event's trace in ws."""
        return _EventTrace(self._tracer, self._ids, envelope)

    def handling(self, envelope: Envelope, parent: int, handler: str) -> AbstractContextManager[Span]:
        """Record a handler, within the span of ws with the id ``parent``; 0: the event is not sampled."""
        trace_id, root = ids_of(envelope)
        flags = _SAMPLED if parent else _NOT_SAMPLED
        remote = SpanContext(trace_id, parent or root, is_remote=True, trace_flags=flags)
        within = trace.set_span_in_context(NonRecordingSpan(remote), Context())
        attributes = {**_identity(envelope), "nescord.handler": handler}
        return self._span(handler, SpanKind.CONSUMER, attributes, within)

    def calling(self, method: str, route: str) -> AbstractContextManager[Span]:
        """Record a call of the bot to Discord's API."""
        attributes = {"http.request.method": method, "url.template": route}
        return self._span(f"{method} {route}", SpanKind.CLIENT, attributes)

    def headers(self) -> Mapping[str, str]:
        """Return the headers that carry the current context."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier

    def serving(self, method: str, route: str, headers: Mapping[str, str]) -> AbstractContextManager[Span]:
        """Record a request that rest answers."""
        within = self._propagator.extract(headers, Context())
        attributes = {"http.request.method": method, "http.route": route}
        return self._span(f"{method} {route}", SpanKind.SERVER, attributes, within)

    def sending(self, method: str, route: str, host: str) -> AbstractContextManager[Span]:
        """Record one attempt of rest at Discord."""
        attributes = {"http.request.method": method, "url.template": route, "server.address": host}
        return self._span(f"{method} {route}", SpanKind.CLIENT, attributes)

    def waited(self, since: float) -> None:
        """Record a wait for rate limits, from ``since`` (seconds since the epoch) until now."""
        self._tracer.start_span("wait for rate limits", start_time=_nanoseconds(since)).end()

    def ids(self) -> tuple[str, str]:
        """Return the ids of the current trace and span in hexadecimal, empty if there is none."""
        context = trace.get_current_span().get_span_context()
        if not context.is_valid:
            return "", ""
        return trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)

    def close(self) -> None:
        """Export what is left, for at most `FLUSH` seconds: a collector that is away delays no reload."""
        ending = threading.Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        ending.join(FLUSH)

    @contextmanager
    def _span(
        self, name: str, kind: SpanKind, attributes: Mapping[str, str | int], within: Context | None = None
    ) -> Iterator[Span]:
        """Record a span; of an exception only the type, as its text may hold what the logs mask."""
        with self._tracer.start_as_current_span(
            name,
            context=within,
            kind=kind,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield _Recorded(span, kind)
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(StatusCode.ERROR, type(error).__name__)
                raise


class _Recorded:
    def __init__(self, span: trace.Span, kind: SpanKind) -> None:
        self._span = span
        self._error_from = 500 if kind is SpanKind.SERVER else 400

    def result(self, status: int) -> None:
        """Record the status of an HTTP response; 0 is none."""
        if status:
            self._span.set_attribute("http.response.status_code", status)
        if status >= self._error_from:
            self._span.set_status(StatusCode.ERROR)

    def note(self, name: str, value: str | int | float | bool) -> None:
        """Record an attribute."""
        self._span.set_attribute(name, value)


class _EventTrace:
    """An event's spans in ws."""

    def __init__(self, tracer: trace.Tracer, ids: _Ids, envelope: Envelope) -> None:
        self._tracer = tracer
        self._delivery: trace.Span | None = None
        with ids.given(*ids_of(envelope)):
            self._root = tracer.start_span(
                envelope.type,
                context=Context(),
                kind=SpanKind.CONSUMER,
                start_time=_nanoseconds(envelope.received_at),
                attributes=_identity(envelope),
            )

    def forwarded(self, address: str, *, redelivered: bool) -> int:
        """Begin a delivery; return its span's id, 0 if the event is not sampled."""
        if not self._root.is_recording():
            return 0
        self._delivery = self._tracer.start_span(
            "forward",
            context=trace.set_span_in_context(self._root, Context()),
            kind=SpanKind.PRODUCER,
            attributes={"nescord.replica": address, "nescord.redelivered": redelivered},
        )
        return self._delivery.get_span_context().span_id

    def interrupted(self, why: str) -> None:
        """End a delivery that main has not finished."""
        if self._delivery is not None:
            self._delivery.set_attribute("nescord.interrupted", why)
            self._delivery.end()
            self._delivery = None

    def acknowledged(self) -> None:
        """End everything: main has finished the event."""
        if self._delivery is not None:
            self._delivery.end()
        self._root.end()


class _Ids(RandomIdGenerator):
    """Random ids, except for those that are given."""

    def __init__(self) -> None:
        super().__init__()
        self._given: tuple[int, int] | None = None

    @contextmanager
    def given(self, trace_id: int, span_id: int) -> Iterator[None]:
        """Use these ids for the span that is started in the block, in the process's only thread."""
        self._given = (trace_id, span_id)
        try:
            yield
        finally:
            self._given = None

    def generate_trace_id(self) -> int:
        return super().generate_trace_id() if self._given is None else self._given[0]

    def generate_span_id(self) -> int:
        return super().generate_span_id() if self._given is None else self._given[1]


def _identity(envelope: Envelope) -> dict[str, str | int]:
    identity: dict[str, str | int] = {
        "discord.event": envelope.type,
        "discord.shard_id": envelope.shard_id,
        "discord.session_id": envelope.session_id,
        "discord.seq": envelope.seq,
    }
    if envelope.guild_id:
        identity["discord.guild_id"] = str(envelope.guild_id)  # beyond the numbers that JavaScript can hold
    return identity


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)


def _names_service(environ: Mapping[str, str]) -> bool:
    return bool(environ.get("OTEL_SERVICE_NAME")) or "service.name=" in environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )


def _exporters(environ: Mapping[str, str]) -> list[str]:
    """Return the names of the exporters, as their packages register them."""
    names = [name.strip() for name in environ.get("OTEL_TRACES_EXPORTER", "otlp").split(",")]
    protocol = environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    otlp = _PROTOCOLS.get(protocol or "http/protobuf", protocol or "")
    return [otlp if name in ("", "otlp") else name for name in names]
