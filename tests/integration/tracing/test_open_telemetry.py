"""What OpenTelemetry's SDK exports of our spans, received over OTLP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from nescord_core import RestClient
from nescord_core.errors import Forbidden
from nescord_core.tracing import spans
from nescord_core.tracing.export import exporting
from support.rest.fake_discord import TOKEN, FakeDiscord, Limit
from support.rest.running_proxy import running_proxy
from support.system.otlp_receiver import OtlpReceiver, receiving

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def refused(_: web.BaseRequest) -> web.StreamResponse:
    return web.json_response({"code": 50001, "message": "Missing Access"}, status=403, headers={"Via": "x"})


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[OtlpReceiver]:
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        monkeypatch.setenv("OTEL_SERVICE_NAME", "mybot")
        yield receiver


async def test_rest_continues_a_callers_trace_and_hides_it_from_discord(
    receiver: OtlpReceiver, tmp_path: Path
) -> None:
    fake = FakeDiscord(limits={"POST /channels/:id/messages": [Limit(1, 0.25)]})
    with exporting("rest"):
        async with running_proxy(tmp_path, fake) as proxy:
            headers = {"traceparent": CALLER, "tracestate": "a=b", "baggage": "c=d"}
            for _ in range(2):
                await proxy.call("POST", "/channels/1/messages", json={}, headers=headers)
            await proxy.call("GET", "/channels/1/messages/2", headers=headers)
    assert all(not spans.CONTEXT_HEADERS & {name.lower() for name in seen.headers} for seen in fake.seen)
    assert {span.service for span in receiver.spans} == {"mybot"}
    (own,) = (each for trace, each in receiver.traces().items() if trace == CALLER[3:35])
    served = [span for span in own if span.parent == CALLER[36:52]]
    assert [span.name for span in served] == [
        *["POST /channels/:id/messages"] * 2,
        "GET /channels/:id/messages/:id",
    ]
    (waited,) = [span for span in own if span.name == "wait for rate limits"]
    assert waited.parent == served[1].id
    assert waited.end - waited.start > 50e6


async def test_a_call_without_an_event_is_a_trace_of_its_own_and_its_error_is_seen(
    receiver: OtlpReceiver, tmp_path: Path
) -> None:
    fake = FakeDiscord()
    fake.fail(refused)
    with exporting("main"):
        async with (
            running_proxy(tmp_path, fake) as proxy,
            RestClient(TOKEN, f"http://{proxy.address}") as rest,
        ):
            with pytest.raises(Forbidden):
                await rest.create_message(123456789, content="s3cret")
            async with RestClient(TOKEN, f"{fake.url}") as direct:
                await direct.get_channel(123456789)
    assert not any("traceparent" in seen.headers for seen in fake.seen)
    (call,) = [span for span in receiver.spans if not span.parent and span.name.startswith("POST")]
    assert call.failed
    assert call.attributes["http.response.status_code"] == 403
    assert call.attributes["error.type"] == "Forbidden"
    (served,) = [span for span in receiver.spans if span.parent == call.id]
    assert not served.failed
    assert not any("s3cret" in str(span) for span in receiver.spans)


def test_an_exporter_that_is_not_installed_is_named(
    receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp, zipkin")
    with exporting("ws"), spans.calling("GET", "/gateway"):
        pass
    assert [span.name for span in receiver.spans] == ["GET /gateway"]
    assert "exporter zipkin is not installed" in caplog.text
