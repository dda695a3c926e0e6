"""Whatever is received: requests go only to Discord, only authorized callers are served, nothing crashes."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import pytest

from nescord_core.rest.proxy.route_labels import WORDS
from nescord_core.settings import SecuritySettings
from support.rest.fake_discord import TOKEN, FakeDiscord, hang_up
from support.rest.running_proxy import running_proxy

SECRET = SecuritySettings(secret="open sesame")


@pytest.mark.parametrize(
    "line",
    [
        b"GET http://127.0.0.1:9/x HTTP/1.1",
        b"GET //127.0.0.1:9/x HTTP/1.1",
        b"GET /../../x HTTP/1.1",
        b"GET /users/../gateway HTTP/1.1",
        b"GET /users/./1 HTTP/1.1",
        b"GET /users/%2e%2e/gateway HTTP/1.1",
        b"GET /users/%2E%2E%2fgateway HTTP/1.1",
        b"GET /users%2f1 HTTP/1.1",
        b"GET /users/%5c..%5cgateway HTTP/1.1",
        b"GET /users/\\..\\gateway HTTP/1.1",
        b"GET /users/%252e%252e/x HTTP/1.1",
        b"GET /users/%0d%0aX-Evil:1 HTTP/1.1",
        b"GET @127.0.0.1:9/x HTTP/1.1",
        b"CONNECT 127.0.0.1:9 HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
    ],
)
async def test_request_lines_that_are_no_path_of_the_api_are_refused(tmp_path: Path, line: bytes) -> None:
    async with running_proxy(tmp_path) as proxy:
        answer = await proxy.raw(line + b"\r\nHost: a\r\nConnection: close\r\n\r\n", wait=2.0)
        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400", b"HTTP/1.1 501")), answer[:100]
        assert not proxy.discord.seen
        assert (await proxy.call("GET", "/healthz")).status == 200


async def test_a_name_that_a_page_may_have_had_rebound_is_refused(tmp_path: Path) -> None:
    """A browser sends no Origin with a page's own GET: Host is all that tells it from a local program."""
    async with running_proxy(tmp_path) as proxy:
        for path in (
            b"/users/@me",
            b"/api/v10/users/@me/guilds",
            b"/metrics",
            b"/healthz",
            b"/nescord/unlock",
        ):
            head = b"GET %b HTTP/1.1\r\nHost: evil.example:7401\r\nConnection: close\r\n" % path
            assert (await proxy.raw(head + b"\r\n")).startswith(b"HTTP/1.1 403"), path
        assert not proxy.discord.seen
        own = b"Authorization: Bot fake.token.for-tests\r\n"
        assert (await proxy.raw(head.replace(b"/nescord/unlock", b"/users/1") + own + b"\r\n")).startswith(
            b"HTTP/1.1 200"
        )
        assert proxy.discord.seen[0].headers["Host"] in proxy.discord.url


@pytest.mark.parametrize("host", [b"localhost:1", b"127.0.0.1", b"[::1]:9", b"rest", b"proxy.example.com"])
async def test_addresses_local_names_and_given_ones_are_answered(tmp_path: Path, host: bytes) -> None:
    security = SecuritySettings(hosts=frozenset({"proxy.example.com"}))
    async with running_proxy(tmp_path, security=security) as proxy:
        head = b"GET /users/1 HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n" % host
        assert (await proxy.raw(head)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00" * 4096,
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nx\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"b" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n X: folded\r\n\r\n",
    ],
)
async def test_garbage_on_the_socket_is_an_error_answer_and_no_crash(
    tmp_path: Path, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_proxy(tmp_path) as proxy:
        answer = await proxy.raw(data, wait=1.0)
        assert answer.startswith(b"HTTP/1.")
        assert answer[9:12] in {b"400", b"413", b"414", b"431"}, answer[:80]
        assert not proxy.discord.seen
        assert (await proxy.call("GET", "/healthz")).status == 200
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_caller_that_stops_in_the_middle_of_its_body_is_answered(tmp_path: Path) -> None:
    async with running_proxy(tmp_path, request_timeout=0.3) as proxy:
        answer = await proxy.raw(
            b"POST /channels/1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nabc"
        )
        assert answer.startswith(b"HTTP/1.1 408")
        assert not proxy.discord.seen


async def test_slow_callers_do_not_hold_up_others(tmp_path: Path) -> None:
    async with running_proxy(tmp_path) as proxy:
        host, _, port = proxy.address.rpartition(":")
        slow = [await asyncio.open_connection(host, int(port)) for _ in range(50)]
        for _, writer in slow:
            writer.write(b"POST /channels/1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{")
        assert (await asyncio.wait_for(proxy.call("POST", "/channels/1/messages", json={}), 5)).status == 200
        for _, writer in slow:
            writer.close()


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, False),
        ({"X-Nescord-Secret": "open sesame"}, True),
        ({"X-Nescord-Secret": "wrong"}, False),
        ({"Authorization": f"Bot {TOKEN}"}, True),
        ({"Authorization": TOKEN}, True),
        ({"Authorization": "Bot another"}, False),
        ({"Authorization": "Bot \xe9"}, False),
    ],
)
async def test_with_a_secret_a_caller_shows_it_or_the_bots_own_token(
    tmp_path: Path, headers: dict[str, str], allowed: bool
) -> None:
    async with running_proxy(tmp_path, security=SECRET) as proxy:
        for method, path in (
            ("GET", "/users/1"),
            ("POST", "/webhooks/1/token"),
            ("POST", "/nescord/invalidate"),
        ):
            answer = await proxy.call(method, path, headers=headers, json={"items": []})
            assert answer.status in ({200, 204} if allowed else {401}), path
        if not allowed:
            assert "X-Nescord-Secret" in json.loads(answer.body)["message"]
            assert not proxy.discord.seen


async def test_the_bots_token_is_not_sent_where_the_path_holds_one(tmp_path: Path) -> None:
    async with running_proxy(tmp_path) as proxy:
        await proxy.call("POST", "/webhooks/1/token", headers={"Authorization": f"Bot {TOKEN}"}, json={})
        await proxy.call("POST", "/interactions/1/token/callback", json={})
        assert all("Authorization" not in seen.headers for seen in proxy.discord.seen)


async def test_another_token_goes_on_as_it_is(tmp_path: Path) -> None:
    async with running_proxy(tmp_path) as proxy:
        await proxy.call("GET", "/users/@me", headers={"Authorization": "Bearer of-a-user"})
        assert proxy.discord.seen[0].headers["Authorization"] == "Bearer of-a-user"


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_a_web_page_cannot_use_the_bots_token(tmp_path: Path, headers: dict[str, str]) -> None:
    async with running_proxy(tmp_path) as proxy:
        assert (await proxy.call("POST", "/channels/1/messages", headers=headers, data=b"{}")).status == 403
        assert not proxy.discord.seen


async def test_secrets_appear_in_no_metric_no_log_and_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fake = FakeDiscord()
    async with running_proxy(tmp_path, fake, security=SECRET) as proxy:
        headers = {"X-Nescord-Secret": "open sesame"}
        await proxy.call("GET", "/users/@me", headers=headers)
        await proxy.call("POST", "/webhooks/1/hook-token", headers=headers, json={})
        denied = await proxy.call("GET", "/users/@me")
        metrics = (await proxy.call("GET", "/metrics")).body.decode()
    assert 'route="/webhooks/:id/:token"' in metrics
    everything = metrics + caplog.text + denied.body.decode()
    for secret in (TOKEN, "open sesame", "hook-token"):
        assert secret not in everything


async def test_made_up_routes_do_not_grow_the_metrics_without_end(tmp_path: Path) -> None:
    words = sorted(word for word in WORDS if word.isalpha())
    async with running_proxy(tmp_path, global_limit=10_000) as proxy:
        for number in range(600):
            await proxy.call("GET", f"/{words[number // 25]}/{words[number % 25]}")
        metrics = (await proxy.call("GET", "/metrics")).body.decode()
    counted = [line for line in metrics.splitlines() if line.startswith("nescord_rest_requests_total")]
    assert len(counted) == 513
    assert 'route="other"' in metrics


async def test_what_is_no_word_of_the_api_is_in_no_metric_and_no_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fake = FakeDiscord()
    fake.fail(hang_up(), hang_up())
    async with running_proxy(tmp_path, fake, retries=1) as proxy:
        await proxy.call("POST", "/webhook/1/of-a-mistyped-route", json={})
        await proxy.call("GET", "/tomorrow/1/of-a-new-route")
        metrics = (await proxy.call("GET", "/metrics")).body.decode()
    assert 'route="/:other/:id/:other"' in metrics
    assert "of-a-" not in metrics + caplog.text
    assert "/:other/:id/:other" in caplog.text


async def test_a_credential_that_is_no_text_is_refused_by_discord_and_not_by_a_crash(tmp_path: Path) -> None:
    async with running_proxy(tmp_path) as proxy:
        answer = await proxy.raw(
            b"GET /users/1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bot \xff\xfe\r\nConnection: close\r\n\r\n"
        )
    assert answer.startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize(
    "headers",
    [{"X-Nescord-Priority": "urgent"}, {"X-Nescord-Deadline": "soon"}, {"X-Nescord-Deadline": "-1"}],
)
async def test_odd_directions_to_the_proxy_are_a_400(tmp_path: Path, headers: dict[str, str]) -> None:
    async with running_proxy(tmp_path) as proxy:
        assert (await proxy.call("GET", "/users/1", headers=headers)).status == 400
