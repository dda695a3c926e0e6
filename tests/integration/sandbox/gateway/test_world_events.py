"""Events of the sandbox's own world, as a bot receives them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from simcord.enums import OverwriteType

from nescord_core.events import Intents
from nescord_core.sandbox.world.simcord.model import Overwrite
from nescord_core.settings import SANDBOX_TOKEN as TOKEN
from support.sandbox.raw_gateway import RawGateway
from support.sandbox.running import RunningSandbox, rest_ok, running_sandbox


async def test_presences_come_with_their_intent_only() -> None:
    async with (
        running_sandbox() as sandbox,
        RawGateway(sandbox.gateway_url) as all_,
        RawGateway(sandbox.gateway_url) as few,
    ):
        await all_.identify(TOKEN, intents=Intents.all().value)
        await few.identify(TOKEN, intents=Intents.default().value)
        guild = (await all_.until("GUILD_CREATE"))["d"]
        assert {each["status"] for each in guild["presences"]} == {"online"}
        assert len(guild["presences"]) == 3
        assert (await few.until("GUILD_CREATE"))["d"]["presences"] == []
        activity = {"name": "chess", "type": 0}
        await sandbox.post("/presence", user="alice", status="dnd", activities=[activity])
        told = (await all_.until("PRESENCE_UPDATE"))["d"]
        assert (told["status"], told["activities"][0]["name"]) == ("dnd", "chess")
        assert told["guild_id"] == guild["id"]
        await sandbox.post("/say", channel="general", user="alice", content="x")
        payload: dict[str, Any] = {}
        while payload.get("t") != "MESSAGE_CREATE":
            payload = await few.receive()
            assert payload.get("t") != "PRESENCE_UPDATE"
        sentence = await sandbox.refused("POST", "/presence", {"user": "alice", "status": "asleep"})
        assert "online, idle, dnd, offline" in sentence


async def test_an_outage_of_a_guild() -> None:
    async with running_sandbox(guilds=2) as sandbox:
        async with RawGateway(sandbox.gateway_url) as gateway:
            await gateway.identify(TOKEN, intents=Intents.default().value)
            await sandbox.post("/outage", guild="Sandbox", available=False)
            gone = (await gateway.until("GUILD_DELETE"))["d"]
            assert gone["unavailable"] is True
        async with RawGateway(sandbox.gateway_url) as gateway:
            await gateway.identify(TOKEN, intents=Intents.default().value)
            listed = {each["id"] for each in gateway.ready["guilds"]}
            assert gone["id"] in listed
            there = (await gateway.until("GUILD_CREATE"))["d"]
            assert there["id"] != gone["id"]
            await sandbox.post("/outage", guild="Sandbox", available=True)
            assert (await gateway.until("GUILD_CREATE"))["d"]["id"] == gone["id"]


async def test_mentions_carry_the_membership() -> None:
    async with running_sandbox() as sandbox, RawGateway(sandbox.gateway_url) as gateway:
        await gateway.identify(TOKEN, intents=(Intents.default() | Intents.MESSAGE_CONTENT).value)
        state = await sandbox.get("/state")
        bob = next(each["id"] for each in state["users"] if each["username"] == "bob")
        await sandbox.post("/say", channel="general", user="alice", content=f"<@{bob}>")
        (mentioned,) = (await gateway.until("MESSAGE_CREATE"))["d"]["mentions"]
        assert mentioned["username"] == "bob"
        assert mentioned["member"]["roles"] == []
        assert "user" not in mentioned["member"]


async def test_private_user_fields_are_shown_for_the_bot_only() -> None:
    async with running_sandbox() as sandbox, RawGateway(sandbox.gateway_url) as gateway:
        await gateway.identify(TOKEN, intents=Intents.all().value)
        assert gateway.ready["user"]["verified"] is True
        assert gateway.ready["application"]["flags"]
        members = (await gateway.until("GUILD_CREATE"))["d"]["members"]
        people = [each["user"] for each in members if not each["user"]["bot"]]
        assert all("verified" not in each and "locale" not in each for each in people)


async def test_an_interaction_names_its_guild() -> None:
    async with running_sandbox() as sandbox, RawGateway(sandbox.gateway_url) as gateway:
        await gateway.identify(TOKEN, intents=0)
        app = gateway.ready["application"]["id"]
        await rest_ok(sandbox, "POST", f"/applications/{app}/commands", {"name": "ask", "description": "Ask"})
        await sandbox.post("/interact", channel="general", user="alice", command="ask")
        told = (await gateway.until("INTERACTION_CREATE"))["d"]
        assert told["guild"] == {"id": told["guild_id"], "locale": "en-US", "features": []}


ALL = Intents.all().value


@pytest.fixture
async def sandbox() -> AsyncIterator[RunningSandbox]:
    async with running_sandbox(guilds=2) as running:
        yield running


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
        server = (await bot.until("VOICE_SERVER_UPDATE"))["d"]
        assert server["endpoint"] == (await sandbox.get("/voice"))["endpoint"]
        await bot.send(4, {**move, "channel_id": None})
        assert (await bot.until("VOICE_STATE_UPDATE"))["d"]["channel_id"] is None
        await bot.send(4, {**move, "channel_id": "12345"})
        await bot.send(1, None)
        assert (await bot.receive())["op"] == 11, "what is not allowed is not answered"


async def test_the_bot_gets_no_events_of_channels_that_it_cannot_view(sandbox: RunningSandbox) -> None:
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
