"""The control API of a whole sandbox on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from simcord.enums import OverwriteType

from nescord_core.events import Intents
from nescord_core.sandbox.world.simcord.model import Overwrite
from nescord_core.settings import SANDBOX_TOKEN as TOKEN
from support.sandbox.raw_gateway import RawGateway
from support.sandbox.running import RunningSandbox, running_sandbox

ALL = Intents.all().value


@pytest.fixture
async def sandbox() -> AsyncIterator[RunningSandbox]:
    async with running_sandbox(guilds=2) as running:
        yield running


async def rest(sandbox: RunningSandbox, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    url, headers = f"{sandbox.url}/api/v10{path}", {"Authorization": f"Bot {TOKEN}"}
    async with sandbox.http.request(method, url, json=body, headers=headers) as answer:
        return answer.status, await answer.json() if answer.status != 204 else None


async def test_what_a_user_says_reaches_the_bot_and_what_the_bot_says_is_waited_for(
    sandbox: RunningSandbox,
) -> None:
    async with RawGateway(sandbox.gateway_url) as bot:
        await bot.identify(TOKEN, intents=ALL)
        said = await sandbox.post("/say", channel="general", user="alice", content="!ping")
        heard = (await bot.until("MESSAGE_CREATE"))["d"]
        assert (heard["id"], heard["content"], heard["author"]["username"]) == (said["id"], "!ping", "alice")
        assert heard["guild_id"] == said["guild_id"]
        await rest(sandbox, "POST", f"/channels/{heard['channel_id']}/messages", {"content": "Pong!"})
        # The answer came before the call: `after` makes that no matter.
        found = await sandbox.post(
            "/wait", channel="general", author="bot", content="Pong!", after=said["id"], timeout=5
        )
        assert found["content"] == "Pong!"


async def test_waiting_lasts_until_the_bot_says_what_matches(sandbox: RunningSandbox) -> None:
    channel = (await sandbox.get("/state"))["guilds"][0]["channels"][0]["id"]
    async with asyncio.TaskGroup() as group:
        wanted = {"channel": channel, "regex": "^ready [0-9]+$", "timeout": 10}
        waiting = group.create_task(sandbox.post("/wait", **wanted))
        await asyncio.sleep(0.1)
        await rest(sandbox, "POST", f"/channels/{channel}/messages", {"content": "not yet"})
        await rest(sandbox, "POST", f"/channels/{channel}/messages", {"content": "ready 5"})
    assert waiting.result()["content"] == "ready 5"


async def test_a_wait_that_ends_in_vain_tells_what_was_said_instead(sandbox: RunningSandbox) -> None:
    said = await sandbox.post("/say", channel="general", user="alice", content="one")
    await sandbox.post("/say", channel="general", user="bob", content="two")
    body = {"channel": "general", "content": "never", "after": said["id"], "timeout": 0.05}
    status, answer = await sandbox.call("POST", "/wait", body)
    assert status == 408
    assert "'never'" in answer["error"]
    assert [each["content"] for each in answer["seen"]] == ["two"]


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("POST", "/say", {"channel": "generl", "user": "alice", "content": "x"}, ["#general", "#random"]),
        ("POST", "/say", {"channel": "general", "user": "alcie", "content": "x"}, ["alice", "bob"]),
        ("POST", "/say", {"channel": "general"}, ["user", "content?"]),
        ("POST", "/say", {"channel": "general", "user": "alice", "text": "x"}, ["text", "content?"]),
        ("POST", "/say", {"channel": ["general"], "user": "alice"}, ["channel"]),
        ("POST", "/say", [], ["JSON object"]),
        ("POST", "/react", {"channel": "general", "message": "5", "user": "bob", "emoji": "x"}, ["5"]),
        ("POST", "/shout", {}, ["/say", "/wait"]),
        ("GET", "/say", None, ["/say", "POST"][:1]),
        ("POST", "/wait", {"content": "x"}, ["channel", "regex"]),
        ("POST", "/wait", {"channel": "general", "regex": "("}, ["regex"]),
        ("POST", "/wait", {"channel": "general", "timeout": 1000}, ["120"]),
        ("POST", "/load", {"rate": 5}, ["seconds", "guilds"]),
        ("POST", "/load", {"rate": 0, "seconds": 1}, ["more than 0"]),
        ("GET", "/load", None, ["POST /sandbox/load"]),
        ("POST", "/fault", {"gatway": {}}, ["gateway, rest, connections"]),
        ("POST", "/fault", {"gateway": {"silent": "x"}}, ["nowhere, resume, everywhere"]),
        ("POST", "/fault", {"connections": {"do": "x"}}, ["reset, close, reconnect, invalid_session"]),
        ("POST", "/fault", {"connections": {"do": "close", "code": 1006}}, ["3000 to 4999"]),
        ("POST", "/settings", {"token": "x"}, ["heartbeat_interval"]),
        ("POST", "/settings", {"disallowed_intents": "guild_membrs"}, ["guild_members"]),
        ("POST", "/channels", {"name": "x", "kind": "txt"}, ["text"]),
        ("DELETE", "/guilds/nowhere", None, ["Sandbox"]),
    ],
)
async def test_what_is_wrong_is_answered_with_a_sentence_that_names_what_would_be_right(
    sandbox: RunningSandbox, method: str, path: str, body: Any, words: list[str]
) -> None:
    sentence = await sandbox.refused(method, path, body)
    for word in words:
        assert word in sentence


async def test_every_action_of_people(sandbox: RunningSandbox) -> None:
    async with RawGateway(sandbox.gateway_url) as bot:
        await bot.identify(TOKEN, intents=ALL)
        said = await sandbox.post("/say", channel="general", user="alice", content="one")
        here = {"channel": "general", "message": said["id"]}
        for path, body, event in [
            ("/edit", {**here, "content": "two"}, "MESSAGE_UPDATE"),
            ("/react", {**here, "user": "bob", "emoji": "👍"}, "MESSAGE_REACTION_ADD"),
            ("/unreact", {**here, "user": "bob", "emoji": "👍"}, "MESSAGE_REACTION_REMOVE"),
            ("/delete", here, "MESSAGE_DELETE"),
            ("/typing", {"channel": "general", "user": "bob"}, "TYPING_START"),
            ("/join", {"user": "carol"}, "GUILD_MEMBER_ADD"),
            ("/give_role", {"user": "carol", "role": "member"}, "GUILD_MEMBER_UPDATE"),
            ("/leave", {"user": "carol"}, "GUILD_MEMBER_REMOVE"),
            ("/voice", {"user": "bob", "channel": "Lounge"}, "VOICE_STATE_UPDATE"),
            ("/voice", {"user": "bob", "channel": None}, "VOICE_STATE_UPDATE"),
            ("/dm", {"user": "alice", "content": "psst"}, "MESSAGE_CREATE"),
            ("/channels", {"name": "news"}, "CHANNEL_CREATE"),
            ("/roles", {"name": "helper"}, "GUILD_ROLE_CREATE"),
        ]:
            await sandbox.post(path, **body)
            assert (await bot.until(event))["t"] == event
        changes: list[tuple[str, str, Any, str]] = [
            ("PATCH", "/channels/news", {"topic": "t"}, "CHANNEL_UPDATE"),
            ("DELETE", "/channels/news", None, "CHANNEL_DELETE"),
            ("PATCH", "/roles/helper", {"name": "aide"}, "GUILD_ROLE_UPDATE"),
            ("DELETE", "/roles/aide", None, "GUILD_ROLE_DELETE"),
            ("POST", "/guilds", {"name": "Third"}, "GUILD_CREATE"),
            ("DELETE", "/guilds/Third", None, "GUILD_DELETE"),
        ]
        for method, path, change, event in changes:
            status, answer = await sandbox.call(method, path, change)
            assert status == 200, answer
            assert (await bot.until(event))["t"] == event


async def test_a_slash_command_is_answered_within_the_wait(sandbox: RunningSandbox) -> None:
    async with RawGateway(sandbox.gateway_url) as bot:
        await bot.identify(TOKEN, intents=0)
        application = bot.ready["application"]["id"]
        command = {"name": "roll", "description": "Roll dice", "type": 1}
        status, _ = await rest(sandbox, "POST", f"/applications/{application}/commands", command)
        assert status in (200, 201)
        async with asyncio.TaskGroup() as group:
            body = {"channel": "general", "user": "alice", "command": "roll", "wait": 5}
            running = group.create_task(sandbox.post("/interact", **body))
            d = (await bot.until("INTERACTION_CREATE"))["d"]
            answer = {"type": 4, "data": {"content": "six"}}
            await rest(sandbox, "POST", f"/interactions/{d['id']}/{d['token']}/callback", answer)
        assert running.result()["message"]["content"] == "six"
    assert "roll" in await sandbox.refused(
        "POST", "/interact", {"channel": "general", "user": "alice", "command": "rol"}
    )


async def test_the_state_tells_who_and_what_there_is(sandbox: RunningSandbox) -> None:
    await sandbox.post("/say", channel="general", user="alice", content="last words")
    state = await sandbox.get("/state", tail="1")
    assert state["guild_count"] == 2
    assert [each["name"] for each in state["guilds"]] == ["Sandbox", "Sandbox 2"]
    general = state["guilds"][0]["channels"][0]
    assert (general["name"], general["messages"][0]["content"]) == ("general", "last words")
    assert {"alice", "bob"} <= {each["username"] for each in state["users"]}
    assert state["bot_online"] is False
    assert len((await sandbox.get("/state", limit="1"))["guilds"]) == 1


async def test_the_gateway_view_counts_identifies_and_resumes(sandbox: RunningSandbox) -> None:
    async with RawGateway(sandbox.gateway_url, compress="zlib-stream") as bot:
        await bot.identify(TOKEN, intents=ALL, shard=[0, 2])
        await bot.send(1, 1)
        await bot.until("GUILD_CREATE")
        view = await sandbox.get("/gateway")
        assert view["online"] is True
        assert view["totals"]["identifies"] == 1
        (connection,) = view["connections"]
        assert (connection["shard"], connection["compress"]) == ([0, 2], "zlib-stream")
        assert view["sessions"][0]["intents"] == ALL
        assert view["session_start_limit"]["remaining"] == 999
    async with RawGateway(bot.resume_url) as again:
        await again.resume(TOKEN, bot.session_id, bot.seq)
        await again.until("RESUMED")
        view = await sandbox.get("/gateway")
        assert (view["totals"]["identifies"], view["totals"]["resumes"]) == (1, 1)
        assert (await rest(sandbox, "GET", "/gateway/bot"))[1]["session_start_limit"]["remaining"] == 999


async def test_gateway_bot_gives_the_url_of_this_very_socket(sandbox: RunningSandbox) -> None:
    _, answer = await rest(sandbox, "GET", "/gateway/bot")
    assert answer["url"] == sandbox.gateway_url
    assert answer["shards"] == 1
    assert answer["session_start_limit"]["max_concurrency"] == 1


async def test_settings_change_what_the_gateway_allows(sandbox: RunningSandbox) -> None:
    changed = await sandbox.post("/settings", disallowed_intents="message_content", heartbeat_interval=20)
    assert changed["disallowed_intents"] == ["message_content"]
    async with RawGateway(sandbox.gateway_url) as bot:
        assert (await bot.receive())["d"]["heartbeat_interval"] == 20_000
        await bot.send(2, {"token": TOKEN, "intents": ALL, "properties": {}})
        assert await bot.closed() == 4014
    assert (await sandbox.get("/settings"))["heartbeat_interval"] == 20


async def test_a_load_is_numbered_per_guild_without_loss_or_disorder(sandbox: RunningSandbox) -> None:
    async with RawGateway(sandbox.gateway_url, compress="zstd-stream") as bot:
        await bot.identify(TOKEN, intents=ALL)
        await sandbox.post("/load", rate=4000, seconds=0.5, guilds=3, start=10)
        numbers: dict[str, list[int]] = {}
        while sum(map(len, numbers.values())) < 2000:
            d = (await bot.until("MESSAGE_CREATE", timeout=20.0))["d"]
            numbers.setdefault(d["guild_id"], []).append(int(d["content"].removeprefix("load ")))
        report = await sandbox.get("/load")
        while report["running"]:
            report = await sandbox.get("/load")
    assert report["sent"] == report["wanted"] == 2000
    assert len(numbers) == 3
    for guild_id, seen in numbers.items():
        assert seen == list(range(10, report["guilds"][guild_id]["last"] + 1))


async def test_a_load_respects_intents_and_content_and_can_be_stopped(sandbox: RunningSandbox) -> None:
    async with RawGateway(sandbox.gateway_url) as bot:
        await bot.identify(TOKEN, intents=Intents.GUILD_MESSAGES.value)
        await sandbox.post("/load", rate=50, seconds=100)
        d = (await bot.until("MESSAGE_CREATE"))["d"]
        assert d["content"] == ""
        assert d["author"]["username"] == "alice"
        assert "is running" in await sandbox.refused("POST", "/load", {"rate": 1, "seconds": 1})
        await sandbox.call("DELETE", "/load")
        while (report := await sandbox.get("/load"))["running"]:
            pass  # every look is a request: the load has its turn meanwhile
        assert report["sent"] < report["wanted"]


async def test_the_bot_moves_between_voice_channels_over_the_gateway(sandbox: RunningSandbox) -> None:
    async with RawGateway(sandbox.gateway_url) as bot:
        await bot.identify(TOKEN, intents=ALL)
        guild = (await bot.until("GUILD_CREATE"))["d"]
        lounge = next(each["id"] for each in guild["channels"] if each["name"] == "Lounge")
        move = {"guild_id": guild["id"], "channel_id": lounge, "self_mute": True, "self_deaf": False}
        await bot.send(4, move)
        moved = (await bot.until("VOICE_STATE_UPDATE"))["d"]
        assert (moved["user_id"], moved["channel_id"], moved["self_mute"]) == (
            bot.ready["user"]["id"],
            lounge,
            True,
        )
        assert (await bot.until("VOICE_SERVER_UPDATE"))["d"]["endpoint"] == sandbox.address
        await bot.send(4, {**move, "channel_id": None})
        assert (await bot.until("VOICE_STATE_UPDATE"))["d"]["channel_id"] is None
        await bot.send(4, {**move, "channel_id": "12345"})
        await bot.send(1, None)
        assert (await bot.receive())["op"] == 11, "what is not allowed is not answered"


async def test_the_bot_hears_nothing_from_a_channel_that_it_may_not_view(sandbox: RunningSandbox) -> None:
    async with RawGateway(sandbox.gateway_url) as bot:
        await bot.identify(TOKEN, intents=ALL)
        await sandbox.post("/channels", name="secret")
        world = sandbox.sandbox.world
        secret, guild = world.find_channel("secret"), world.find_guild()
        view_channel = 1 << 10
        secret.overwrites.append(Overwrite(guild.id, OverwriteType.ROLE, deny=view_channel))
        await sandbox.post("/say", channel="secret", user="olivia", content="hidden")
        await sandbox.post("/say", channel="general", user="olivia", content="open")
        assert (await bot.until("MESSAGE_CREATE"))["d"]["content"] == "open"


async def test_waiting_finds_an_ephemeral_answer_which_no_event_tells_of(sandbox: RunningSandbox) -> None:
    async with RawGateway(sandbox.gateway_url) as bot, asyncio.TaskGroup() as group:
        await bot.identify(TOKEN, intents=ALL)
        me = (await sandbox.get("/state"))["bot"]["id"]
        command = {"name": "hide", "description": "d", "type": 1}
        assert (await rest(sandbox, "POST", f"/applications/{me}/commands", command))[0] in (200, 201)
        await sandbox.post("/interact", channel="general", user="alice", command="hide")
        asked = (await bot.until("INTERACTION_CREATE"))["d"]
        wanted = {"channel": asked["channel_id"], "content": "psst", "timeout": 10}
        waiting = group.create_task(sandbox.post("/wait", **wanted))
        await asyncio.sleep(0.1)
        answer = {"type": 4, "data": {"content": "psst", "flags": 64}}
        await rest(sandbox, "POST", f"/interactions/{asked['id']}/{asked['token']}/callback", answer)
    assert waiting.result()["content"] == "psst"
