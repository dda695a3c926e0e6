"""The proxy is transparent: it forwards what Discord accepts, and returns what Discord answers."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import aiohttp
import pytest

from support.rest.fake_discord import FakeDiscord, json_status, status
from support.rest.running_proxy import running_proxy


@pytest.mark.parametrize(
    ("asked", "came"),
    [
        ("/api/v10/users/1", "/api/v10/users/1"),
        ("/api/v9/users/1?a=b&a=c", "/api/v9/users/1?a=b&a=c"),
        ("/api/users/1", "/api/v10/users/1"),
        ("/users/1?q=%2F..%2F", "/api/v10/users/1?q=%2F..%2F"),
        ("/no/such/route", "/api/v10/no/such/route"),
        (
            "/channels/1/messages/2/reactions/%F0%9F%91%8D/@me",
            "/api/v10/channels/1/messages/2/reactions/%F0%9F%91%8D/@me",
        ),
        ("/channels/1/messages/2/reactions/n%3A3/@me", "/api/v10/channels/1/messages/2/reactions/n%3A3/@me"),
    ],
)
async def test_accepts_every_form_of_a_path(tmp_path: Path, asked: str, came: str) -> None:
    async with running_proxy(tmp_path) as proxy:
        await proxy.call("GET", asked)
        assert [seen.path for seen in proxy.discord.seen] == [came]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_any_method_goes_through(tmp_path: Path, method: str) -> None:
    async with running_proxy(tmp_path) as proxy:
        answer = await proxy.call(method, "/something/new")
        assert answer.status == 200
        assert proxy.discord.seen[0].method == method


async def test_headers_pass_and_hop_by_hop_ones_stay(tmp_path: Path) -> None:
    fake = FakeDiscord(headers={"X-Thing": "kept", "Keep-Alive": "timeout=5"})
    async with running_proxy(tmp_path, fake) as proxy:
        answer = await proxy.call(
            "POST",
            "/channels/1/messages",
            json={},
            headers={
                "X-Audit-Log-Reason": "spam%20%C3%A9",
                "X-Discord-Locale": "de",
                "X-Nescord-Priority": "bulk",
                "Connection": "keep-alive, X-Private",
                "X-Private": "for the proxy",
                "TE": "trailers",
                "Proxy-Authorization": "Basic x",
                "Cookie": "a=b",
            },
        )
        sent = proxy.discord.seen[0].headers
        assert sent["X-Audit-Log-Reason"] == "spam%20%C3%A9"
        assert sent["X-Discord-Locale"] == "de"
        for name in (
            "X-Private",
            "TE",
            "Proxy-Authorization",
            "X-Nescord-Priority",
            "X-Nescord-Secret",
            "Cookie",
        ):
            assert name not in sent
        assert sent["Authorization"] == "Bot fake.token.for-tests"
        assert sent["Host"] in fake.url
        assert answer.headers["X-Thing"] == "kept"
        assert answer.headers["Via"] == "1.1 google"
        assert "Keep-Alive" not in answer.headers


async def test_a_user_agent_is_made_up_only_where_there_is_none(tmp_path: Path) -> None:
    async with running_proxy(tmp_path) as proxy:
        await proxy.raw(b"GET /users/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        await proxy.call("GET", "/users/2", headers={"User-Agent": "DiscordBot (https://e.x, 1)"})
        made, given = (seen.headers["User-Agent"] for seen in proxy.discord.seen)
        assert made.startswith("DiscordBot (https://")
        assert given == "DiscordBot (https://e.x, 1)"


async def test_bodies_pass_byte_for_byte_in_both_directions(tmp_path: Path) -> None:
    fake = FakeDiscord()
    packed = gzip.compress(b'{"a": 1}')

    async def zipped(request: aiohttp.web.BaseRequest) -> aiohttp.web.StreamResponse:
        return aiohttp.web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    fake.fail(zipped)
    async with running_proxy(tmp_path, fake) as proxy:
        answer = await proxy.call(
            "POST", "/channels/1/messages", data=packed, headers={"Content-Encoding": "gzip"}
        )
        assert proxy.discord.seen[0].body == packed
        assert proxy.discord.seen[0].headers["Content-Encoding"] == "gzip"
        assert answer.body == packed
        assert answer.headers["Content-Encoding"] == "gzip"


async def test_only_codings_that_the_proxy_reads_are_asked_for(tmp_path: Path) -> None:
    async with running_proxy(tmp_path) as proxy:
        await proxy.call("GET", "/users/1", headers={"Accept-Encoding": "br, zstd, gzip;q=0.5"})
        await proxy.call("GET", "/users/1", headers={"Accept-Encoding": "br"})
        assert [seen.headers["Accept-Encoding"] for seen in proxy.discord.seen] == ["gzip", "identity"]


async def test_error_bodies_pass_as_they_came(tmp_path: Path) -> None:
    fake = FakeDiscord()
    content = {"code": 50035, "errors": {"content": {"_errors": []}}, "message": "Invalid Form Body"}
    fake.fail(
        json_status(400, content), json_status(413, {"message": "Too large", "code": 40005}), status(418)
    )
    async with running_proxy(tmp_path, fake) as proxy:
        first = await proxy.call("POST", "/channels/1/messages", json={})
        assert (first.status, json.loads(first.body)) == (400, content)
        assert (await proxy.call("POST", "/channels/1/messages", json={})).status == 413
        assert (await proxy.call("POST", "/channels/1/messages", json={})).body == b"<html>oops</html>"


async def test_an_upload_of_30_mb_passes_and_leaves_no_file(tmp_path: Path) -> None:
    data = b"0123456789abcdef" * (30 * 65536)
    async with running_proxy(tmp_path) as proxy:
        form = aiohttp.FormData()
        form.add_field("payload_json", "{}", content_type="application/json")
        form.add_field("files[0]", io.BytesIO(data), filename="big.bin")
        answer = await proxy.call("POST", "/channels/1/messages", data=form)
        assert answer.status == 200
        assert data in proxy.discord.seen[0].body
        assert "Content-Length" in proxy.discord.seen[0].headers


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_past_the_bound_is_answered_with_413_in_json(tmp_path: Path, chunked: bool) -> None:
    async def chunks() -> object:
        for _ in range(3 * 16):
            yield b"x" * 65536

    async with running_proxy(tmp_path, max_body_mb=2) as proxy:
        data = chunks() if chunked else io.BytesIO(b"x" * 3 * 1024 * 1024)
        answer = await proxy.call("POST", "/channels/1/messages", data=data)
        assert answer.status == 413
        assert "rest.max_body_mb" in json.loads(answer.body)["message"]
        assert not proxy.discord.seen


async def test_expect_100_continue_is_answered(tmp_path: Path) -> None:
    async with running_proxy(tmp_path) as proxy:
        answer = await proxy.call("POST", "/channels/1/messages", data=b"{}", expect100=True)
        assert answer.status == 200
        assert proxy.discord.seen[0].body == b"{}"


async def test_redirects_are_answers_and_never_followed(tmp_path: Path) -> None:
    fake = FakeDiscord()
    fake.fail(status(307, b"", Location="http://127.0.0.1:9/elsewhere"))
    async with running_proxy(tmp_path, fake) as proxy:
        answer = await proxy.call("GET", "/users/1")
        assert (answer.status, answer.headers["Location"]) == (307, "http://127.0.0.1:9/elsewhere")
        assert len(fake.seen) == 1
