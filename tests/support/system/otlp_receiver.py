"""A receiver of OpenTelemetry's traces: OTLP over HTTP, on a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from support.network.http_receiver import receiving_posts

__all__ = ["OtlpReceiver", "ReceivedSpan", "receiving"]


@dataclass(frozen=True)
class ReceivedSpan:
    """A span as it was exported; ids in hexadecimal, ``parent`` is empty for the first of a trace."""

    service: str
    pid: int
    name: str
    kind: int
    trace: str
    id: str
    parent: str
    start: int
    end: int
    failed: bool
    attributes: dict[str, Any]


@dataclass
class OtlpReceiver:
    """``url`` is what OTEL_EXPORTER_OTLP_ENDPOINT wants."""

    url: str = ""
    spans: list[ReceivedSpan] = field(default_factory=list)

    def traces(self) -> dict[str, list[ReceivedSpan]]:
        """Return the spans of each trace."""
        found: dict[str, list[ReceivedSpan]] = {}
        for span in list(self.spans):
            found.setdefault(span.trace, []).append(span)
        return found

    def take(self, body: bytes) -> None:
        """Decode an export."""
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = {each.key: _value(each.value) for each in group.resource.attributes}
            for scope in group.scope_spans:
                for span in scope.spans:
                    self.spans.append(_received(span, resource))


def _received(span: Any, resource: dict[str, Any]) -> ReceivedSpan:
    return ReceivedSpan(
        str(resource["service.name"]),
        int(resource.get("process.pid", 0)),
        span.name,
        span.kind,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        span.status.code == 2,
        {each.key: _value(each.value) for each in span.attributes},
    )


def _value(value: Any) -> Any:
    return getattr(value, value.WhichOneof("value"))


@contextmanager
def receiving() -> Iterator[OtlpReceiver]:
    """Receive traces while the block runs."""
    receiver = OtlpReceiver()

    def take(path: str, body: bytes) -> None:
        if path == "/v1/traces":
            receiver.take(body)

    with receiving_posts(take, content_type="application/x-protobuf") as port:
        receiver.url = f"http://127.0.0.1:{port}"
        yield receiver
