from __future__ import annotations

import logging
import zlib
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from integration.gateway.harness import TOKEN
from integration.gateway.scripted import refusing_url, serving
from nescord_core.errors import DiscordServerError, NescordError, RateLimited, TokenRejected, TransportError
from nescord_core.gateway.gateway_info import LONGEST_WAIT, fetch_gateway_info
from nescord_core.gateway.identify.queue import SessionStartLimit
from nescord_core.gateway.session.backoff import Backoff

GOOD = {
    "url": "wss://gateway.discord.gg",
    "shards": 9,
    "session_start_limit": {
        "total": 1000,
        "remaining": 999,
        "reset_after": 14_400_000,
        "max_concurrency": 16,
    },
}
QUICK = Backoff(0.01, 0.02)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


class Api:
    """Answers GET /gateway/bot with a list of responses in turn; the last one repeats."""

    def __init__(self, *answers: web.Response) -> None:
        self.answers = list(answers)
        self.requests: list[web.Request] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers.copy())


async def test_the_answer_is_read_and_the_token_is_shown(http: aiohttp.ClientSession) -> None:
    api = Api(web.json_response(GOOD))
    async with serving(api.answer) as url:
        info = await fetch_gateway_info(http, f"{url}/api/v10/", TOKEN)
    assert (info.url, info.shards) == ("wss://gateway.discord.gg", 9)
    assert info.session_start_limit == SessionStartLimit(1000, 999, 14_400.0, 16)
    assert api.requests[0].path == "/api/v10/gateway/bot"
    assert api.requests[0].headers["Authorization"] == f"Bot {TOKEN}"
    assert api.requests[0].headers["User-Agent"].startswith("DiscordBot (")


async def test_401_is_a_rejected_token_and_is_not_tried_again(http: aiohttp.ClientSession) -> None:
    api = Api(web.json_response({"message": "401: Unauthorized", "code": 0}, status=401))
    async with serving(api.answer) as url:
        with pytest.raises(TokenRejected, match="401") as caught:
            await fetch_gateway_info(http, url, TOKEN, retry=QUICK)
    assert len(api.requests) == 1
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (
            web.json_response({"message": "slow", "retry_after": 0.02}, status=429),
            "429",
        ),
        (web.Response(status=429, text="<html>banned</html>", headers={"Retry-After": "0"}), "429"),
        (web.Response(status=500, text="oops"), "500"),
        (web.Response(status=503), "503"),
        (
            web.Response(status=200, text="<html>maintenance</html>", content_type="text/html"),
            "unexpected response",
        ),
        (web.json_response({"shards": 1}), "unexpected response"),
    ],
)
async def test_what_may_pass_is_tried_again_and_said(
    http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture, bad: web.Response, told: str
) -> None:
    api = Api(bad, bad, web.json_response(GOOD))
    with caplog.at_level(logging.WARNING, "nescord.gateway"):
        async with serving(api.answer) as url:
            info = await fetch_gateway_info(http, url, TOKEN, retry=QUICK)
    assert info.shards == 9
    assert len(api.requests) == 3
    assert caplog.text.count(told) >= 2
    assert TOKEN not in caplog.text


async def test_a_429_is_waited_out(http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture) -> None:
    api = Api(
        web.json_response({"retry_after": 0.3}, status=429, headers={"Retry-After": "0"}),
        web.json_response(GOOD),
    )
    async with serving(api.answer) as url:
        await fetch_gateway_info(http, url, TOKEN, retry=QUICK)
    assert "Retrying in 0.3 s" in caplog.text


async def test_the_tries_can_be_bounded(http: aiohttp.ClientSession) -> None:
    api = Api(web.Response(status=502))
    async with serving(api.answer) as url:
        with pytest.raises(DiscordServerError):
            await fetch_gateway_info(http, url, TOKEN, retry=Backoff(0.01, 0.01, attempts=3))
    assert len(api.requests) == 3


async def test_a_host_that_cannot_be_reached_is_a_transport_error(http: aiohttp.ClientSession) -> None:
    with pytest.raises(TransportError):
        await fetch_gateway_info(
            http, refusing_url().replace("ws:", "http:"), TOKEN, retry=Backoff(0.01, 0.01, attempts=2)
        )


async def test_other_refusals_are_final_and_a_redirect_does_not_take_the_token_along(
    http: aiohttp.ClientSession,
) -> None:
    for status in (302, 403, 404):
        api = Api(web.Response(status=status, headers={"Location": "/elsewhere"}))
        async with serving(api.answer) as url:
            with pytest.raises(NescordError, match=str(status)):
                await fetch_gateway_info(http, url, TOKEN, retry=QUICK)
        assert len(api.requests) == 1


def _zipped(size: int) -> web.Response:
    deflate = zlib.compressobj(wbits=31)
    body = deflate.compress(bytes(size)) + deflate.flush()
    return web.Response(body=body, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})


UNBELIEVABLE = {
    "a gzip bomb": _zipped(100_000_000),
    "a body without end": web.Response(body=b" " * 1_000_000),
    "a billion shards": web.json_response(GOOD | {"shards": 1_000_000_000}),
    "a URL of a megabyte": web.json_response(GOOD | {"url": "wss://" + "x" * 1_000_000}),
    "a URL that is none": web.json_response(GOOD | {"url": "gopher://x"}),
    "JSON nested deep": web.Response(body=b'{"url":' + b"[" * 5000),
    "no JSON": web.Response(body=b"\xff\xfe"),
    "a day without end": web.json_response(GOOD | {"session_start_limit": {"reset_after": 1e300}}),
}


@pytest.mark.parametrize("answer", UNBELIEVABLE.values(), ids=UNBELIEVABLE.keys())
async def test_an_answer_that_cannot_be_meant_is_asked_for_again(
    http: aiohttp.ClientSession, answer: web.Response, caplog: pytest.LogCaptureFixture
) -> None:
    api = Api(answer, web.json_response(GOOD))
    async with serving(api.answer) as url:
        info = await fetch_gateway_info(http, url, TOKEN, retry=QUICK)
    assert info.shards == 9
    assert all(len(record.getMessage()) < 1000 for record in caplog.records)


@pytest.mark.parametrize("header", ["inf", "1e10", "nan", "-5"])
@pytest.mark.bound("What Discord's gateway sends to ws: Retry-After of GET /gateway/bot")
async def test_a_retry_after_is_bounded(http: aiohttp.ClientSession, header: str) -> None:
    api = Api(web.Response(status=429, headers={"Retry-After": header}))
    async with serving(api.answer) as url:
        with pytest.raises(RateLimited) as caught:
            await fetch_gateway_info(http, url, TOKEN, retry=Backoff(0.01, 0.02, attempts=1))
    assert 0 <= caught.value.retry_after <= LONGEST_WAIT
