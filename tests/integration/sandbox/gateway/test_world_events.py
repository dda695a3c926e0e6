"""Presences, guilds that Discord loses, members of mentions, and what the page hears of REST."""

from __future__ import annotations

import json
from typing import Any

from nescord_core.events import Intents
from nescord_core.settings import SANDBOX_TOKEN as TOKEN
from support.sandbox.raw_gateway import RawGateway
from support.sandbox.running import RunningSandbox, running_sandbox


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


async def test_a_guild_that_discord_loses_and_finds() -> None:
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


async def api(sandbox: RunningSandbox, path: str, body: Any) -> None:
    headers = {"Authorization": f"Bot {TOKEN}"}
    async with sandbox.http.post(f"{sandbox.url}/api/v10{path}", json=body, headers=headers) as answer:
        assert answer.status < 500


async def test_an_open_page_hears_of_every_request_and_of_no_token() -> None:
    async with running_sandbox() as sandbox:
        channel = (await sandbox.get("/state"))["guilds"][0]["channels"][0]["id"]
        async with sandbox.http.ws_connect(f"{sandbox.url}/sandbox/events") as feed:
            await feed.receive()
            await api(sandbox, f"/channels/{channel}/messages", {"content": "x" * 3000})
            raw = await feed.receive_str()
        told = json.loads(raw)
        assert told["t"] == "SANDBOX_REST"
        assert (told["d"]["method"], told["d"]["status"]) == ("POST", 400)
        assert "Must be 2000 or fewer" in told["d"]["answer"]
        assert told["d"]["remaining"] == "4"
        assert TOKEN not in raw


async def test_commands_are_listed_with_their_options() -> None:
    async with running_sandbox() as sandbox:
        app = (await sandbox.get("/state"))["application_id"]
        command = {
            "name": "roll",
            "description": "Roll",
            "options": [{"type": 4, "name": "n", "description": "N"}],
        }
        await api(sandbox, f"/applications/{app}/commands", command)
        (listed,) = await sandbox.get("/commands", guild="Sandbox")
        assert listed["options"][0]["name"] == "n"
        assert len(await sandbox.get("/commands")) == 1


async def test_what_is_private_of_a_user_is_told_of_the_bot_alone() -> None:
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
        await api(sandbox, f"/applications/{app}/commands", {"name": "ask", "description": "Ask"})
        await sandbox.post("/interact", channel="general", user="alice", command="ask")
        told = (await gateway.until("INTERACTION_CREATE"))["d"]
        assert told["guild"] == {"id": told["guild_id"], "locale": "en-US", "features": []}
