"""Spans: names without secrets, ids by identity, and nothing at all where nobody asks for them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from nescord_core.discord_api import contract
from nescord_core.envelope import Envelope
from nescord_core.tracing import spans
from nescord_core.tracing.export import wanted

TOKEN = "aW50ZXJhY3Rpb246MTIzNDU2Nzg5"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/channels/123456789/messages?limit=5", "/channels/:id/messages"),
        (f"/webhooks/123456789/{TOKEN}", "/webhooks/:id/:token"),
        (f"/webhooks/123456789/{TOKEN}/messages/@original", "/webhooks/:id/:token/messages/@original"),
        (f"/interactions/123456789/{TOKEN}/callback", "/interactions/:id/:token/callback"),
        (
            "/channels/123456789/messages/123456780/reactions/%F0%9F%91%8D/@me",
            "/channels/:id/messages/:id/reactions/:name/@me",
        ),
        ("/invites/abc", "/invites/:name"),
        ("/webhooks/:id/:token", "/webhooks/:id/:token"),
    ],
)
def test_a_name_has_neither_ids_nor_tokens(path: str, name: str) -> None:
    assert spans.named_path(path) == name
    assert spans.named_path(name) == name


def test_no_operation_shows_a_value() -> None:
    for operation in contract.operations().values():
        path = operation.path
        for parameter in operation.parameters:
            given = "123456789012345678" if "Snowflake" in str(parameter.schema) else "s3cret-value"
            path = path.replace(f"{{{parameter.name}}}", given)
        if "/webhooks/" in path or "/interactions/" in path:
            assert "s3cret" not in spans.named_path(path)
        assert "123456789012345678" not in spans.named_path(path)


def test_a_trace_has_the_events_identity_and_nothing_else() -> None:
    event = Envelope(1, "session", 7, "MESSAGE_CREATE", 5, 5, b"{}", 100.0)
    again = event._replace(redelivered=True, received_at=200.0)
    assert spans.ids_of(event) == spans.ids_of(again)
    others = [event._replace(shard_id=2), event._replace(session_id="other"), event._replace(seq=8)]
    assert len({spans.ids_of(each) for each in (event, *others)}) == 4
    trace_id, span_id = spans.ids_of(event)
    assert 0 < trace_id < 1 << 128
    assert 0 < span_id < 1 << 64


@pytest.mark.parametrize(
    ("environ", "asked"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "bot"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_TRACES_EXPORTER": "console"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, False),
        ({"OTEL_SDK_DISABLED": "True", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, False),
    ],
)
def test_the_standard_variables_ask_for_traces(environ: dict[str, str], asked: bool) -> None:
    assert wanted(environ) is asked


@pytest.mark.parametrize(
    ("url", "goes_to_discord"),
    [
        ("https://discord.com/api/v10", True),
        ("https://discord.com", True),
        ("http://127.0.0.1:7400/api/v10", True),
        ("http://127.0.0.1:7401", False),
        ("http://rest.internal:7401/", False),
    ],
)
def test_the_context_goes_to_rest_only(url: str, goes_to_discord: bool) -> None:
    assert spans.is_of_discord(url) is goes_to_discord


def test_without_the_variables_nothing_is_imported() -> None:
    code = (
        "import sys\n"
        "from nescord_core.tracing import spans\n"
        "from nescord_core.tracing.export import exporting\n"
        "from nescord_core.services.ws import cluster_process\n"
        "from nescord_core.services.main.worker import process\n"
        "from nescord_core.services import rest\n"
        "with exporting('ws'):\n"
        "    assert spans.active is None\n"
        "    assert spans.calling('GET', '/') is spans.NO_SPAN\n"
        "print(*(name for name in sys.modules if name.startswith('opentelemetry')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_without_the_extra_there_is_one_warning_and_no_trace() -> None:
    code = (
        "import sys\n"
        "sys.modules['opentelemetry'] = None\n"
        "from nescord_core.tracing import spans\n"
        "from nescord_core.tracing.export import exporting\n"
        "with exporting('ws'):\n"
        "    print(spans.active)"
    )
    environ = {"OTEL_TRACES_EXPORTER": "otlp", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "None"
    assert done.stderr.count("nescord[otel]") == 1
