"""Building requests: safe paths, queries, forms, reasons, and error responses."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import discord
import pytest

from nescord_core import errors
from nescord_core.payloads import Embed
from nescord_core.rest.client.errors import error_of, mask
from nescord_core.rest.client.parameters import UNSET, comma, path, query_pairs
from nescord_core.rest.client.request import build
from nescord_core.rest.files import File


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("1/../2", "1%2F..%2F2"),
        ("a?b", "a%3Fb"),
        ("🔥", "%F0%9F%94%A5"),
        ("name:12", "name:12"),
        ("@me", "@me"),
    ],
)
def test_a_value_cannot_leave_its_path_segment(value: str, sent: str) -> None:
    assert path("/channels/{}/x", value) == f"/channels/{sent}/x"


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_a_value_that_would_name_another_route_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="cannot be part of the path"):
        path("/channels/{}", value)


def test_queries_are_written_as_discord_reads_them() -> None:
    query = {"a": True, "b": [1, 2], "c": UNSET, "d": comma([3, 4]), "e": None}
    assert query_pairs(query) == [("a", "true"), ("b", "1"), ("b", "2"), ("d", "3,4")]


def test_an_audit_log_reason_is_url_encoded_and_has_1_to_512_characters() -> None:
    assert build("DELETE", "/x", reason="weil: ä").headers["X-Audit-Log-Reason"] == "weil%3A %C3%A4"
    for bad in ("", "x" * 513):
        with pytest.raises(ValueError, match="1 to 512"):
            build("DELETE", "/x", reason=bad)


def test_null_is_sent_and_absent_is_not() -> None:
    request = build("PATCH", "/x", json={"a": None})
    assert request.body == b'{"a":null}'


async def test_objects_of_discordpy_are_sent_as_their_json() -> None:
    view = discord.ui.View()
    view.add_item(discord.ui.Button(label="Again", custom_id="again"))
    body = {
        "embeds": [discord.Embed(title="t")],
        "components": view,
        "allowed_mentions": discord.AllowedMentions.none(),
    }
    sent = json.loads(build("POST", "/x", json=body).body or b"")
    assert sent["embeds"][0]["title"] == "t"
    assert sent["components"][0]["components"][0]["custom_id"] == "again"
    assert sent["allowed_mentions"] == {"parse": []}


def test_what_has_no_json_form_is_an_error() -> None:
    with pytest.raises(TypeError, match="object is not JSON serializable"):
        build("POST", "/x", json={"embeds": [object()]})


def test_a_payload_view_is_sent_as_the_json_it_was_read_from() -> None:
    request = build("POST", "/x", json={"embeds": [Embed({"title": "t", "new": 1})]})
    assert json.loads(request.body or b"") == {"embeds": [{"title": "t", "new": 1}]}


def test_a_file_of_discord_py_is_sent_with_its_name_and_description() -> None:
    file = discord.File(io.BytesIO(b"one"), "a.txt", description="first", spoiler=True)
    metadata, part = build("POST", "/channels/1/messages", json={}, files=[file]).parts
    assert (part.filename, part.data) == ("SPOILER_a.txt", b"one")
    assert json.loads(metadata.data)["attachments"][0]["description"] == "first"


@pytest.mark.parametrize("other", [5, object(), ["a.txt"], None])
def test_what_is_no_file_is_refused_before_it_is_sent(other: Any) -> None:
    with pytest.raises(TypeError, match=f"{type(other).__name__} is not a file: pass a path"):
        build("POST", "/channels/1/messages", json={}, files=[other])


def test_files_go_beside_payload_json_with_their_metadata() -> None:
    files = [File(b"one", "a.txt", description="first"), io.BytesIO(b"two")]
    parts = build("POST", "/channels/1/messages", json={"content": "x"}, files=files).parts
    assert [part.name for part in parts] == ["payload_json", "files[0]", "files[1]"]
    assert json.loads(parts[0].data) == {
        "content": "x",
        "attachments": [
            {"id": 0, "filename": "a.txt", "description": "first"},
            {"id": 1, "filename": "file"},
        ],
    }
    assert (parts[1].data, parts[1].content_type, parts[2].data) == (b"one", "text/plain", b"two")


def test_an_interactions_attachments_stand_in_its_data() -> None:
    parts = build("POST", "/x", json={"type": 4, "data": {"content": "x"}}, files=[b"one"]).parts
    assert json.loads(parts[0].data)["data"]["attachments"] == [{"id": 0, "filename": "file"}]


def test_a_sticker_is_a_plain_form(tmp_path: Path) -> None:
    picture = tmp_path / "pic.png"
    picture.write_bytes(b"png")
    form = {"name": "n", "tags": "t", "description": UNSET, "file": picture}
    parts = {part.name: part for part in build("POST", "/x", form=form).parts}
    assert set(parts) == {"name", "tags", "file"}
    assert (parts["file"].filename, parts["file"].data) == ("pic.png", b"png")


@pytest.mark.parametrize(
    ("method", "body", "repeatable"),
    [
        ("GET", UNSET, True),
        ("PUT", {}, True),
        ("DELETE", UNSET, True),
        ("POST", {}, False),
        ("PATCH", {}, False),
        ("POST", {"nonce": "1"}, False),
        ("POST", {"nonce": "1", "enforce_nonce": True}, True),
    ],
)
def test_only_what_cannot_happen_twice_is_sent_again(method: str, body: Any, repeatable: bool) -> None:
    assert build(method, "/x", json=body).repeatable is repeatable


def test_a_file_is_read_once_so_that_a_retry_sends_it_whole() -> None:
    source = io.BytesIO(b"abc")
    request = build("POST", "/x", json={}, files=[source])
    assert (request.parts[1].data, request.size) == (b"abc", 3 + len(request.parts[0].data))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.BadRequest),
        (401, errors.Unauthorized),
        (403, errors.Forbidden),
        (404, errors.NotFound),
        (405, errors.DiscordHTTPError),
        (429, errors.RateLimited),
        (502, errors.DiscordServerError),
    ],
)
def test_an_error_answer_becomes_its_exception(status: int, kind: type[errors.DiscordHTTPError]) -> None:
    detail = {"code": "BASE_TYPE_MAX_LENGTH", "message": "Must be 2000 or fewer in length."}
    content = {"code": 50035, "message": "Invalid Form Body", "errors": {"content": {"_errors": [detail]}}}
    body = json.dumps(content).encode()
    error = error_of(status, "POST", "/channels/1/messages", body, {})
    assert type(error) is kind
    assert (error.status, error.code, error.discord_message) == (status, 50035, "Invalid Form Body")
    assert "content: Must be 2000 or fewer in length." in str(error)


def test_an_error_page_that_is_not_json_is_still_an_error() -> None:
    error = error_of(502, "GET", "/x", b"<html>", {})
    assert (error.code, error.discord_message) == (0, "")
    assert "502 Bad Gateway" in str(error)


def test_of_retry_after_in_header_and_body_the_larger_counts() -> None:
    error = error_of(429, "GET", "/x", b'{"retry_after": 1337.5, "global": true}', {"Retry-After": "65"})
    assert isinstance(error, errors.RateLimited)
    assert (error.retry_after, error.scope) == (1337.5, "global")


def test_tokens_in_paths_never_show() -> None:
    assert mask("/webhooks/1/sesame/messages/2") == "/webhooks/1/***/messages/2"
    assert mask("/interactions/1/sesame/callback") == "/interactions/1/***/callback"
    assert mask("/webhooks/1") == "/webhooks/1"
    assert "sesame" not in str(error_of(404, "POST", "/webhooks/1/sesame", b"", {}))
