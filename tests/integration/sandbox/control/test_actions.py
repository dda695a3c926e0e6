"""Actions over the control API: messages, commands, threads, posts, invites, events."""

from __future__ import annotations

import asyncio
from typing import Any

from nescord_core.events import Intents
from nescord_core.settings import SANDBOX_TOKEN as TOKEN
from support.sandbox.raw_gateway import RawGateway
from support.sandbox.running import RunningSandbox, rest, rest_ok, running_sandbox

ALL = Intents.all().value


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


async def test_a_person_starts_threads_and_posts() -> None:
    async with running_sandbox() as sandbox, RawGateway(sandbox.gateway_url) as gateway:
        await gateway.identify(TOKEN, intents=Intents.all().value)
        await sandbox.post("/channels", name="ideas", kind="forum")
        said = await sandbox.post("/say", channel="general", user="alice", content="x")
        on_it = await sandbox.post("/thread", channel="general", user="bob", name="on it", message=said["id"])
        assert on_it["id"] == said["id"]
        told = (await gateway.until("THREAD_CREATE"))["d"]
        assert (told["name"], told["newly_created"]) == ("on it", True)
        post = await sandbox.post("/thread", channel="ideas", user="alice", name="idea", content="an idea")
        assert (await gateway.until("THREAD_CREATE"))["d"]["id"] == post["id"]
        first = (await gateway.until("MESSAGE_CREATE"))["d"]
        assert (first["id"], first["channel_id"], first["content"]) == (post["id"], post["id"], "an idea")
        wrong = {"channel": "ideas", "user": "alice", "name": "empty"}
        assert "needs content" in await sandbox.refused("POST", "/thread", wrong)
        wrong = {"channel": "Lounge", "user": "alice", "name": "loud"}
        assert "Threads cannot be started" in await sandbox.refused("POST", "/thread", wrong)


async def test_invites_are_used_and_used_up() -> None:
    async with running_sandbox() as sandbox:
        state = (await sandbox.get("/state"))["guilds"][0]
        channel = state["channels"][0]["id"]
        role = next(each["id"] for each in state["roles"] if each["name"] == "member")
        made = await rest_ok(
            sandbox, "POST", f"/channels/{channel}/invites", {"max_uses": 2, "role_ids": [role]}
        )
        joined = await sandbox.post("/join", user="carol", invite=made["code"])
        assert (joined["user"]["username"], joined["roles"]) == ("carol", [role])
        (listed,) = await rest_ok(sandbox, "GET", f"/channels/{channel}/invites")
        assert listed["uses"] == 1
        await sandbox.post("/join", user="dave", invite=made["code"])
        assert await rest_ok(sandbox, "GET", f"/channels/{channel}/invites") == []
        members = (await sandbox.get("/state"))["guilds"][0]["members"]
        roles = {each["user"]["username"]: each["roles"] for each in members}
        assert roles["carol"] == roles["dave"] == [role]
        gone = {"user": "eve", "invite": made["code"]}
        assert "Unknown Invite" in await sandbox.refused("POST", "/join", gone)


async def test_interest_in_an_event() -> None:
    async with running_sandbox() as sandbox:
        guild = (await sandbox.get("/state"))["guilds"][0]["id"]
        event = {
            "name": "party",
            "privacy_level": 2,
            "entity_type": 3,
            "scheduled_start_time": "2090-01-01T00:00:00+00:00",
            "scheduled_end_time": "2090-01-02T00:00:00+00:00",
            "entity_metadata": {"location": "here"},
        }
        made = await rest_ok(sandbox, "POST", f"/guilds/{guild}/scheduled-events", event)
        await sandbox.post("/interested", user="alice", event="party")
        path = f"/guilds/{guild}/scheduled-events/{made['id']}/users"
        assert [each["user"]["username"] for each in await rest_ok(sandbox, "GET", path)] == ["alice"]
        await sandbox.post("/interested", user="alice", event="party", interested=False)
        assert await rest_ok(sandbox, "GET", path) == []
        wrong = {"user": "alice", "event": "wedding"}
        assert "Known: party" in await sandbox.refused("POST", "/interested", wrong)


async def test_a_guild_with_its_own_people(sandbox: RunningSandbox) -> None:
    ada, ben = [await sandbox.post("/users", name=name) for name in ("ada", "ada")]
    assert ada["id"] != ben["id"]
    made = await sandbox.post("/guilds", name="Own", owner=ada["id"], members=[ben["id"], ada["id"]])
    people = {each["user"]["id"] for each in made["members"]}
    assert people == {ada["id"], ben["id"], str(sandbox.sandbox.world.application_id)}
    assert made["owner_id"] == ada["id"]
    assert "1 to 32 characters" in await sandbox.refused("POST", "/users", {"name": ""})


async def test_every_action_says_where_in_time_it_was(sandbox: RunningSandbox) -> None:
    said = await sandbox.post("/say", channel="general", user="alice", content="one")
    body = {"channel": "general", "message": said["id"], "user": "bob", "emoji": "👍"}
    async with sandbox.http.post(f"{sandbox.url}/sandbox/react", json=body) as answer:
        position = int(answer.headers["Sandbox-Position"])
    after = await sandbox.post("/say", channel="general", user="alice", content="two")
    assert int(said["id"]) < position < int(after["id"])


async def test_the_clock_moves(sandbox: RunningSandbox) -> None:
    guild = (await sandbox.get("/state"))["guilds"][0]
    alice = next(each["user"]["id"] for each in guild["members"] if each["user"]["username"] == "alice")
    said = await sandbox.post("/say", channel="general", user="alice", content="before")
    poll = {"question": {"text": "Tea?"}, "answers": [{"poll_media": {"text": "yes"}}], "duration": 1}
    asked = await rest_ok(sandbox, "POST", f"/channels/{said['channel_id']}/messages", {"poll": poll})
    assert not asked["poll"]["results"]["is_finalized"]
    moved = await sandbox.post("/advance", seconds=3601)
    assert moved["ahead"] >= 3601
    ended = (await sandbox.get("/messages", channel="general"))[-2:]
    assert ended[0]["poll"]["results"]["is_finalized"]
    assert ended[1]["type"] == 46
    later = await sandbox.post("/say", channel="general", user=alice, content="after")
    assert (int(later["id"]) >> 22) - (int(said["id"]) >> 22) >= 3_600_000
    assert "moves by 0 to" in await sandbox.refused("POST", "/advance", {"seconds": -1})
