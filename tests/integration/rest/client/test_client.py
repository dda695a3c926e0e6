"""RestClient over a real socket: the requests a server receives, and the handling of its responses."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from nescord_core import RestClient, errors
from nescord_core.payloads import Interaction, Message
from nescord_core.rest.client.client import close_all
from nescord_core.rest.files import File

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
MESSAGE = {"id": "175928847299117063", "content": "hi", "author": {"username": "bot", "new_field": 1}}


class Server:
    """Answers from a list, whose last item repeats; records the requests."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, Any, Any]] = []
        self.answers: list[Answer] = []
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self.answer)
        self.socket = TestServer(app)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body: Any = None
        if request.content_type == "multipart/form-data":
            body = {name: getattr(v, "filename", v) for name, v in (await request.post()).items()}
        elif request.can_read_body:
            body = await request.json()
        self.seen.append((request.method, request.rel_url.raw_path_qs, request.headers, body))
        act = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await act(request)


def with_json(status: int, body: Any, **headers: str) -> Answer:
    async def act(_: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status, headers=headers)

    return act


async def drop(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    server.answers = [with_json(200, MESSAGE)]
    await server.socket.start_server()
    yield server
    await server.socket.close()


@pytest.fixture
async def rest(server: Server) -> AsyncIterator[RestClient]:
    url = str(server.socket.make_url("/api/v10"))
    async with RestClient("sesame", url, secret="open", patience=2.0) as client:
        yield client


async def test_a_message_is_sent_and_its_answer_is_typed(server: Server, rest: RestClient) -> None:
    message = await rest.create_message(5, content="hi", tts=False)
    assert (message.id, message.author.username, message.author["new_field"]) == (
        175928847299117063,
        "bot",
        1,
    )
    method, path, headers, body = server.seen[0]
    assert (method, path) == ("POST", "/api/v10/channels/5/messages")
    assert headers["Authorization"] == "Bot sesame"
    assert headers["X-Nescord-Secret"] == "open"
    assert headers["User-Agent"].startswith("DiscordBot (https://")
    assert (body["content"], body["tts"], body["enforce_nonce"]) == ("hi", False, True)
    assert 1 <= len(body["nonce"]) <= 25


async def test_a_nonce_of_the_callers_own_is_left_alone(server: Server, rest: RestClient) -> None:
    await rest.create_message(5, content="hi", nonce="mine")
    assert server.seen[0][3] == {"content": "hi", "nonce": "mine"}


async def test_a_broken_connection_does_not_lose_or_double_a_message(
    server: Server, rest: RestClient
) -> None:
    server.answers = [drop, with_json(200, MESSAGE)]
    await rest.create_message(5, content="hi")
    assert len({seen[3]["nonce"] for seen in server.seen}) == 1
    assert len(server.seen) == 2


async def test_a_post_that_could_happen_twice_is_not_sent_again(server: Server, rest: RestClient) -> None:
    server.answers = [drop]
    with pytest.raises(errors.TransportError):
        await rest.create_guild_role(1, name="x")
    assert len(server.seen) == 1


async def test_a_rate_limit_of_discord_itself_is_waited_out(server: Server, rest: RestClient) -> None:
    server.answers = [with_json(429, {"retry_after": 0.1, "global": False}), with_json(200, MESSAGE)]
    assert await rest.create_guild_role(1, name="x")
    assert len(server.seen) == 2


async def test_a_rate_limit_longer_than_the_timeout_is_told(server: Server, rest: RestClient) -> None:
    server.answers = [with_json(429, {"retry_after": 1337}, **{"X-RateLimit-Scope": "shared"})]
    with pytest.raises(errors.RateLimited) as caught:
        await rest.get_channel(1)
    assert (caught.value.retry_after, caught.value.scope) == (1337, "shared")


async def test_a_server_error_is_tried_again_only_where_that_is_safe(
    server: Server, rest: RestClient
) -> None:
    server.answers = [with_json(502, {}), with_json(200, MESSAGE)]
    await rest.get_message(1, 2)
    server.answers = [with_json(502, {})]
    with pytest.raises(errors.DiscordServerError):
        await rest.create_guild_role(1, name="x")
    assert [seen[0] for seen in server.seen] == ["GET", "GET", "POST"]


async def test_files_and_reason_arrive(server: Server, rest: RestClient) -> None:
    await rest.create_message(5, content="x", files=[File(b"data", "a.txt")], reason="because")
    body = server.seen[0][3]
    assert (set(body), body["files[0]"]) == ({"payload_json", "files[0]"}, "a.txt")
    assert server.seen[0][2]["X-Audit-Log-Reason"] == "because"


async def test_queries_lists_and_absent_answers(server: Server, rest: RestClient) -> None:
    server.answers = [with_json(200, [MESSAGE, MESSAGE])]
    found = await rest.list_messages(1, limit=2, before=99)
    assert [type(item) for item in found] == [Message, Message]
    assert server.seen[0][1] == "/api/v10/channels/1/messages?before=99&limit=2"

    async def nothing(_: web.Request) -> web.StreamResponse:
        return web.Response(status=204)

    server.answers = [nothing]
    await rest.delete_message(1, 2)
    await rest.add_my_message_reaction(1, 2, "🔥")
    assert server.seen[2][1] == "/api/v10/channels/1/messages/2/reactions/%F0%9F%94%A5/@me"


async def test_an_interaction_is_answered_by_its_token(server: Server, rest: RestClient) -> None:
    interaction = Interaction({"id": "11", "token": "tok", "application_id": "12"})
    await rest.respond(interaction, content="hello", ephemeral=True)
    _, path, _, body = server.seen[0]
    assert path == "/api/v10/interactions/11/tok/callback"
    assert body == {"type": 4, "data": {"content": "hello", "flags": 64}}


async def test_any_route_can_be_called_by_hand(server: Server, rest: RestClient) -> None:
    answer = await rest.request("get", "/new/route", params={"a": [1, 2]}, headers={"X-More": "1"})
    assert answer == MESSAGE
    assert server.seen[0][:2] == ("GET", "/api/v10/new/route?a=1&a=2")


async def test_a_service_that_is_not_there_is_named_with_what_to_do() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        async with RestClient("t", url, patience=0.2) as client:
            with pytest.raises(errors.TransportError, match="nescord run rest") as caught:
                await client.get_channel(1)
    assert url in str(caught.value)


async def test_a_service_that_restarts_is_waited_for(server: Server) -> None:
    port = server.socket.port
    await server.socket.close()
    again = Server()
    again.answers = [with_json(200, MESSAGE)]
    async with RestClient("t", f"http://127.0.0.1:{port}", patience=10.0) as client:
        async with asyncio.TaskGroup() as group:
            call = group.create_task(client.create_guild_role(1, name="x"))
            await asyncio.sleep(0.2)
            again.socket = TestServer(again.socket.app, port=port)
            await again.socket.start_server()
        assert call.result().id == 175928847299117063
    await again.socket.close()


async def test_clients_left_open_are_closed_by_the_runtime(server: Server) -> None:
    client = RestClient("t", str(server.socket.make_url("/")))
    await client.get_channel(1)
    await close_all()
    await client.get_channel(1)  # reopens after being closed
    await close_all()
    assert len(server.seen) == 2
