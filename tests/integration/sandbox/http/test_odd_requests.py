"""Whatever a client sends is answered as by Discord: a 500 would be a fault of the sandbox."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from nescord_core.discord_api import contract
from nescord_core.sandbox.http.validation import body_shape
from support.sandbox.odd_values import ODD_VALUES
from support.sandbox.running_rest import Rest, general
from support.sandbox.walkthrough import walk_through

ODD_QUERY = ["", "-1", "x", "%00", "9" * 400, "%ED%A0%80", "true", "%D9%A3", "%C2%B2", "1e5", "%5B"]

Sent = tuple[str, str, Any]
"""(method, path with query, body)"""


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value inside ``value``."""
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    """Return ``value`` with ``odd`` at ``path``."""
    if not path:
        return odd
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], odd)
    return copy


def mutations(sent: Sent) -> Iterator[Sent]:
    """Yield the request with each of its values, and each field it could have had, made odd."""
    method, path, body = sent
    bare, _, query = path.partition("?")
    if body is not None:
        for where, odd in itertools.product(places(body), ODD_VALUES):
            yield method, path, replaced(body, where, odd)
    found = contract.match(method, bare)
    shape = None if found is None else body_shape(found[0])
    if isinstance(body, dict) and shape is not None:
        for name, odd in itertools.product(shape.fields, ODD_VALUES):
            yield method, path, {**body, name: odd}
    fields = [each.partition("=")[0] for each in query.split("&")] if query else []
    for name, odd in itertools.product(fields, ODD_QUERY):
        others = [each for each in query.split("&") if not each.startswith(f"{name}=")]
        yield method, f"{bare}?{'&'.join([*others, f'{name}={odd}'])}", body


async def status_of(rest: Rest, method: str, path: str, data: bytes | None, content_type: str) -> int:
    headers = {**rest.headers, "Content-Type": content_type}
    url = f"{rest.url}/api/v10{path}"
    async with rest.session.request(method, url, data=data, headers=headers) as answer:
        return answer.status


async def test_no_odd_value_in_any_request_is_a_500(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Sent] = []
    call = rest.call

    async def recording(method: str, path: str, body: Any = None, **options: Any) -> Any:
        sent.append((method, path, body))
        return await call(method, path, body, **options)

    monkeypatch.setattr(rest, "call", recording)
    await walk_through(rest)
    candidates = [each for request in sent if request[0] != "DELETE" for each in mutations(request)]
    assert len(candidates) > 10_000
    failed = []
    for method, path, body in candidates:
        data = None if body is None else json.dumps(body).encode()
        status = await status_of(rest, method, path, data, "application/json")
        if status >= 500 and status != 501:
            failed.append((method, path, body))
    assert failed == []


async def test_an_image_that_is_no_text_is_a_400(rest: Rest) -> None:
    images: list[Any] = [5, 1.5, True, [], {}, "text", "data:image/png;base64,!"]
    for image in images:
        reply = await rest.call("PATCH", "/users/@me", {"avatar": image}, expect=400)
        assert reply.body["code"] == 50035
    path = f"{general(rest)}/webhooks"
    await rest.call("POST", path, {"name": "x", "avatar": 5}, expect=400)


async def test_a_number_is_text_in_a_string_field(rest: Rest) -> None:
    made = await rest.ok("POST", f"{general(rest)}/webhooks", {"name": 12})
    assert made["name"] == "12"


@pytest.mark.parametrize("depth", [101, 900, 200_000])
async def test_json_nested_too_deep_is_a_400_wherever_it_is(rest: Rest, depth: int) -> None:
    deep = b'{"content":"x","a":' + b"[" * depth + b"]" * depth + b"}"
    path = f"{general(rest)}/messages"
    part = b'--b\r\nContent-Disposition: form-data; name="payload_json"\r\n\r\n' + deep + b"\r\n--b--\r\n"
    form = b"payload_json=" + deep.replace(b'"', b"%22")
    for data, content_type in (
        (deep, "application/json"),
        (form, "application/x-www-form-urlencoded"),
        (part, "multipart/form-data; boundary=b"),
    ):
        assert await status_of(rest, "POST", path, data, content_type) == 400, content_type


@pytest.mark.parametrize(
    "part",
    [
        b"X: y\r\n" * 5000 + b"\r\nx\r\n--b--\r\n",
        b"X: " + b"y" * 1_000_000 + b"\r\n\r\nx\r\n--b--\r\n",
        b"no header at all\r\n\r\nx\r\n--b--\r\n",
        b'Content-Disposition: form-data; name="files[0]"; filename="a\0b"\r\n\r\nx',
        b'Content-Disposition: form-data; name="f"\r\nContent-Transfer-Encoding: odd\r\n\r\nx\r\n--b--\r\n',
        b'Content-Disposition: form-data; name="payload_json"\r\n\r\n\xff\xfe\r\n--b--\r\n',
        b"",
    ],
    ids=["endless headers", "long header", "no header", "cut off", "encoding", "not UTF-8", "empty"],
)
async def test_a_malformed_part_is_a_400(rest: Rest, part: bytes) -> None:
    path = f"{general(rest)}/messages"
    status = await status_of(rest, "POST", path, b"--b\r\n" + part, "multipart/form-data; boundary=b")
    assert status == 400
    assert await status_of(rest, "POST", path, part, "multipart/form-data") == 400


@pytest.mark.parametrize("name", [b"a\0b.txt", b"../../etc/passwd", b"%00", b"", b"a/b\\c", b"x" * 3000])
async def test_a_file_with_any_name_is_kept_and_read_back(rest: Rest, name: bytes) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="files[0]"; filename="' + name.replace(
        b"\\", b"\\\\"
    )
    data = head + b'"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n'
    path = f"{rest.url}/api/v10{general(rest)}/messages"
    headers = {**rest.headers, "Content-Type": "multipart/form-data; boundary=b"}
    async with rest.session.post(path, data=data, headers=headers) as answer:
        assert answer.status < 500
        body = await answer.json()
    for attachment in body.get("attachments", ()):
        _, _, cdn_path = attachment["url"].partition("/cdn/")
        async with rest.session.get(f"{rest.url}/cdn/{cdn_path}") as file:
            assert (file.status, await file.read()) == (200, b"hello")
