"""Which Discord and which bot `nescord dev` is about to use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from nescord_core.config import Config, load
from nescord_core.errors import TokenRejected
from nescord_core.services.dev.discord_identity import described, is_real

TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.Gabcde.not-a-real-token"


@asynccontextmanager
async def discord(
    answer: Callable[[web.Request], Awaitable[web.Response]], tmp_path: Path
) -> AsyncIterator[Config]:
    app = web.Application()
    app.router.add_get("/api/v10/users/@me", answer)
    async with TestServer(app) as server:
        environ = {"DISCORD_BOT_TOKEN": TOKEN, "DISCORD_API_URL": str(server.make_url("/api/v10"))}
        yield load(tmp_path, environ=environ)


async def test_the_bot_and_the_tokens_source_are_named(tmp_path: Path) -> None:
    async def me(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == f"Bot {TOKEN}"
        return web.json_response({"id": "1", "username": "MyBot", "discriminator": "1234"})

    async with discord(me, tmp_path) as config:
        said = await described(config, ask=True)
    assert "as MyBot#1234 (token: DISCORD_BOT_TOKEN in the environment); --sandbox uses the local one" in said
    assert TOKEN not in said


async def test_a_token_that_discord_does_not_accept_ends_it_at_once(tmp_path: Path) -> None:
    async def refused(_: web.Request) -> web.Response:
        return web.json_response({"message": "401: Unauthorized", "code": 0}, status=401)

    async with discord(refused, tmp_path) as config:
        with pytest.raises(TokenRejected, match="401") as caught:
            await described(config, ask=True)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("body", ["not JSON", "[]", "{}"])
async def test_without_an_answer_the_id_in_the_token_has_to_do(tmp_path: Path, body: str) -> None:
    async def odd(_: web.Request) -> web.Response:
        return web.Response(text=body, content_type="application/json")

    async with discord(odd, tmp_path) as config:
        assert "as the bot 123456789012345678 (" in await described(config, ask=True)


def test_the_real_discord_is_told_from_others() -> None:
    assert is_real("https://discord.com/api/v10")
    assert is_real("https://canary.discord.com/api")
    assert not is_real("http://127.0.0.1:7400/api/v10")
    assert not is_real("https://discord.com.example.org/api")
