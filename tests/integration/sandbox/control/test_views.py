"""The control API's views of the world and of the gateway."""

from __future__ import annotations

from nescord_core.events import Intents
from nescord_core.settings import SANDBOX_TOKEN as TOKEN
from support.sandbox.raw_gateway import RawGateway
from support.sandbox.running import RunningSandbox, rest, rest_ok, running_sandbox

ALL = Intents.all().value


async def test_the_state_lists_guilds_users_and_channels(sandbox: RunningSandbox) -> None:
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


async def test_commands_are_listed_with_their_options() -> None:
    async with running_sandbox() as sandbox:
        app = (await sandbox.get("/state"))["application_id"]
        command = {
            "name": "roll",
            "description": "Roll",
            "options": [{"type": 4, "name": "n", "description": "N"}],
        }
        await rest_ok(sandbox, "POST", f"/applications/{app}/commands", command)
        (listed,) = await sandbox.get("/commands", guild="Sandbox")
        assert listed["options"][0]["name"] == "n"
        assert len(await sandbox.get("/commands")) == 1
