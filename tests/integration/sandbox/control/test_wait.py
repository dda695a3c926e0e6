"""Waiting for a message of the bot."""

from __future__ import annotations

import asyncio

from nescord_core.events import Intents
from nescord_core.settings import SANDBOX_TOKEN as TOKEN
from support.sandbox.raw_gateway import RawGateway
from support.sandbox.running import RunningSandbox, rest

ALL = Intents.all().value


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


async def test_a_wait_that_times_out_returns_the_messages_seen(sandbox: RunningSandbox) -> None:
    said = await sandbox.post("/say", channel="general", user="alice", content="one")
    await sandbox.post("/say", channel="general", user="bob", content="two")
    body = {"channel": "general", "content": "never", "after": said["id"], "timeout": 0.05}
    status, answer = await sandbox.call("POST", "/wait", body)
    assert status == 408
    assert "'never'" in answer["error"]
    assert [each["content"] for each in answer["seen"]] == ["two"]


async def test_waiting_finds_ephemeral_messages_which_no_event_announces(sandbox: RunningSandbox) -> None:
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


async def test_a_system_message_of_the_bot_is_not_what_it_says(sandbox: RunningSandbox) -> None:
    async with RawGateway(sandbox.gateway_url) as bot:
        await bot.identify(TOKEN, intents=ALL)
        said = await sandbox.post("/say", channel="general", user="alice", content="pin it")
        where = f"/channels/{said['channel_id']}"
        assert (await rest(sandbox, "PUT", f"{where}/messages/pins/{said['id']}"))[0] == 204
        await rest(sandbox, "POST", f"{where}/messages", {"content": "pinned"})
        found = await sandbox.post("/wait", channel="general", after=said["id"], timeout=5)
        assert found["content"] == "pinned"


async def test_direct_messages_are_waited_for_by_their_user(sandbox: RunningSandbox) -> None:
    async with RawGateway(sandbox.gateway_url) as bot:
        await bot.identify(TOKEN, intents=ALL)
        status, answer = await sandbox.call("POST", "/dm", {"user": "alice", "content": "psst"})
        assert status == 200, answer
        await rest(sandbox, "POST", f"/channels/{answer['channel_id']}/messages", {"content": "yes?"})
        found = await sandbox.post("/wait", user="alice", after=answer["id"], timeout=5)
        assert found["content"] == "yes?"
        refused = await sandbox.refused("POST", "/wait", {"user": "alice", "channel": "general"})
        assert "needs a channel, or a user" in refused
