"""A sandbox whose world survives its restarts."""

from __future__ import annotations

import json
import logging
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from nescord_core.events import Intents
from nescord_core.process import state_dir
from nescord_core.sandbox.storage.stored_world import MESSAGES
from nescord_core.settings import SANDBOX_TOKEN as TOKEN
from support.sandbox.raw_gateway import RawGateway
from support.sandbox.running import RunningSandbox, rest, rest_ok, running_sandbox

ALL = Intents.all().value
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    state_dir.prepare(tmp_path / "state")
    return tmp_path / "state"


@asynccontextmanager
async def persistent(folder: Path, **more: Any) -> AsyncIterator[RunningSandbox]:
    async with running_sandbox(state_dir=folder, persist=True, rate_limits=False, **more) as sandbox:
        yield sandbox


async def everything(sandbox: RunningSandbox) -> dict[str, Any]:
    """Return what can be seen of the world, without what belongs to one run."""
    state = await sandbox.get("/state", tail=50)
    state = {**state, "bot_online": None, "commands": await sandbox.get("/commands")}
    text = json.dumps(state).replace(sandbox.url, "URL")
    found: dict[str, Any] = json.loads(text)
    return found


async def furnish(sandbox: RunningSandbox) -> None:
    """Do a bit of everything in the world."""
    said = await sandbox.post("/say", channel="general", user="alice", content="one", files=[["a.png", PNG]])
    where = f"/channels/{said['channel_id']}"
    answer = {"content": "two", "message_reference": {"message_id": said["id"]}}
    answered = await rest_ok(sandbox, "POST", f"{where}/messages", answer)
    await sandbox.post("/react", channel="general", message=said["id"], user="bob", emoji="👍")
    await sandbox.post("/pin", channel="general", message=answered["id"], user="olivia")
    await sandbox.post("/thread", channel="general", user="alice", name="talk", message=said["id"])
    await sandbox.post("/dm", user="alice", content="psst")
    await sandbox.post("/join", user="carol")
    await sandbox.post("/roles", name="helper", permissions="8")
    await sandbox.post("/give_role", user="carol", role="helper")
    await sandbox.post("/channels", name="news", kind="forum", topic="News")
    await sandbox.post("/guilds", name="Second")
    await sandbox.post("/skus", name="gold")
    await sandbox.post("/buy", user="alice", sku="gold")
    poll = {"question": {"text": "Tea?"}, "answers": [{"poll_media": {"text": "yes"}}], "duration": 1}
    await rest_ok(sandbox, "POST", f"{where}/messages", {"poll": poll})
    guild_id = said["guild_id"]
    await rest_ok(
        sandbox, "PATCH", f"/guilds/{guild_id}", {"description": "Kept", "premium_progress_bar_enabled": True}
    )
    await rest_ok(sandbox, "POST", f"{where}/invites", {"max_uses": 2})
    await rest_ok(sandbox, "POST", f"{where}/webhooks", {"name": "hook"})
    image = f"data:image/png;base64,{PNG}"
    await rest_ok(sandbox, "POST", f"/guilds/{guild_id}/emojis", {"name": "dot", "image": image})
    event = {"name": "Party", "privacy_level": 2, "scheduled_start_time": "2099-01-01T00:00:00Z"}
    event |= {"scheduled_end_time": "2099-01-02T00:00:00Z", "entity_type": 3}
    event |= {"entity_metadata": {"location": "here"}}
    await rest_ok(sandbox, "POST", f"/guilds/{guild_id}/scheduled-events", event)
    me = (await sandbox.get("/state"))["application_id"]
    command = {"name": "roll", "description": "Roll dice", "type": 1}
    await rest_ok(sandbox, "POST", f"/applications/{me}/commands", command)


async def test_a_world_comes_back_as_it_was(folder: Path) -> None:
    async with persistent(folder) as sandbox:
        await furnish(sandbox)
        before = await everything(sandbox)
        hooks = await rest_ok(
            sandbox, "GET", f"/channels/{before['guilds'][0]['channels'][0]['id']}/webhooks"
        )
        name = (await rest_ok(sandbox, "GET", "/gateway/bot"))["sandbox_world"]
    async with persistent(folder) as sandbox:
        after = await everything(sandbox)
        assert after == before
        where = f"/channels/{before['guilds'][0]['channels'][0]['id']}"
        assert await rest_ok(sandbox, "GET", f"{where}/webhooks") == hooks
        assert (await rest_ok(sandbox, "GET", "/gateway/bot"))["sandbox_world"] == name
        # Files are where the sandbox is now, which has another port.
        picture = (await sandbox.get("/messages", channel="general"))[0]["attachments"][0]
        assert picture["url"].startswith(sandbox.url)
        async with sandbox.http.get(picture["url"]) as answer:
            assert (await answer.read()).startswith(b"\x89PNG")
        # It goes on: ids are newer than all that are stored, and what was due ends.
        newest = max(int(each["id"]) for each in await sandbox.get("/messages", channel="general"))
        said = await sandbox.post("/say", channel="general", user="alice", content="later")
        assert int(said["id"]) > newest
        await sandbox.post("/advance", seconds=3601)
        assert [each["type"] for each in await sandbox.get("/messages", channel="general")].count(46) == 1
        hook = hooks[0]
        sent = {"content": "from the hook"}
        assert (await rest(sandbox, "POST", f"/webhooks/{hook['id']}/{hook['token']}?wait=true", sent))[
            0
        ] == 200
    async with persistent(folder) as sandbox:
        await sandbox.post("/advance", seconds=1)
        assert [each["type"] for each in await sandbox.get("/messages", channel="general")].count(46) == 1
        newer = await sandbox.post("/say", channel="general", user="alice", content="ahead of the clock")
        assert int(newer["id"]) > int(said["id"])


async def test_a_killed_sandbox_has_stored_what_is_older_than_a_moment(folder: Path) -> None:
    async with persistent(folder) as sandbox:
        keeper = sandbox.sandbox.keeper
        assert keeper is not None
        await sandbox.post("/say", channel="general", user="alice", content="kept")
        await keeper.save()
        keeper.forget()  # as if it were killed now
        await sandbox.post("/say", channel="general", user="alice", content="lost")
    async with persistent(folder) as sandbox:
        assert [each["content"] for each in await sandbox.get("/messages", channel="general")] == ["kept"]


async def test_a_bot_gets_the_world_that_came_back(folder: Path) -> None:
    async with persistent(folder) as sandbox:
        async with RawGateway(sandbox.gateway_url) as bot:
            await bot.identify(TOKEN, intents=ALL)
            session = bot.ready["session_id"]
        await sandbox.post("/channels", name="new")
    async with persistent(folder) as sandbox, RawGateway(sandbox.gateway_url) as bot:
        await bot.send(6, {"token": TOKEN, "session_id": session, "seq": 1})
        while (answer := await bot.receive())["op"] == 10:
            pass
        assert answer["op"] == 9
    async with persistent(folder) as sandbox, RawGateway(sandbox.gateway_url) as bot:
        await bot.identify(TOKEN, intents=ALL)
        assert bot.ready["session_id"].split("-")[1] == session.split("-")[1]
        created = (await bot.until("GUILD_CREATE"))["d"]
        assert "new" in [each["name"] for each in created["channels"]]


async def test_without_persist_nothing_is_written(folder: Path) -> None:
    async with running_sandbox(state_dir=folder) as sandbox:
        await sandbox.post("/say", channel="general", user="alice", content="gone")
    assert not (folder / "sandbox").exists()


async def test_the_files_are_private_and_bounded(folder: Path) -> None:
    async with persistent(folder) as sandbox:
        channel = sandbox.sandbox.world.find_channel("general")
        for number in range(MESSAGES + 10):
            sandbox.sandbox.world.say(channel.id, "alice", str(number))
        await sandbox.post("/channels", name="brief")
        await sandbox.post("/say", channel="brief", user="alice", content="soon gone")
    stored = json.loads((folder / "sandbox/messages" / f"{channel.id}.json").read_bytes())
    assert [each["content"] for each in stored["messages"]] == [
        str(each) for each in range(10, MESSAGES + 10)
    ]
    for path in (folder / "sandbox").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    async with persistent(folder) as sandbox:
        brief = sandbox.sandbox.world.find_channel("brief").id
        assert (folder / "sandbox/messages" / f"{brief}.json").exists()
        await sandbox.call("DELETE", "/channels/brief")
    assert not (folder / "sandbox/messages" / f"{brief}.json").exists()


def rename(folder: Path, name: str) -> None:
    folder.rename(folder.with_name(name))


DAMAGES = {
    "empty": b"",
    "cut off": b'{"version": 1, "name": "x", "url": "',
    "not JSON": b"\x00\xff\x17",
    "of a later version": b'{"version": 99, "url": ""}',
    "of another shape": b'{"version": 1, "url": "", "name": 5}',
    "a list": b"[]",
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_world_is_set_aside_and_named_in_one_line(
    folder: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with persistent(folder) as sandbox:
        name = sandbox.sandbox.gateway.world_name
        await sandbox.post("/say", channel="general", user="alice", content="lost")
    (folder / "sandbox/world.json").write_bytes(DAMAGES[damage])
    with caplog.at_level(logging.WARNING):
        async with persistent(folder) as sandbox:
            assert await sandbox.get("/messages", channel="general") == []
            assert sandbox.sandbox.gateway.world_name != name, "bots must not take it for the former one"
    assert (folder / "sandbox/world.json.damaged-1").exists()
    lines = [each.getMessage() for each in caplog.records if "damaged" in each.getMessage()]
    assert len(lines) == 1
    assert "\n" not in lines[0]


async def test_a_world_whose_parts_do_not_fit_is_set_aside(folder: Path) -> None:
    async with persistent(folder):
        pass
    path = folder / "sandbox/world.json"
    stored = json.loads(path.read_bytes())
    stored["model"]["channels"] = {}
    path.write_text(json.dumps(stored))
    async with persistent(folder) as sandbox:
        assert len((await sandbox.get("/state"))["guilds"][0]["channels"]) == 3
    assert (folder / "sandbox/world.json.damaged-1").exists()


async def test_damaged_messages_and_files_cost_only_themselves(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with persistent(folder) as sandbox:
        said = await sandbox.post(
            "/say", channel="general", user="alice", content="a", files=[["a.png", PNG]]
        )
        await sandbox.post("/say", channel="random", user="alice", content="b")
    (folder / "sandbox/messages" / f"{said['channel_id']}.json").write_bytes(b"{")
    (file,) = (folder / "sandbox/files").iterdir()
    file.write_bytes(b"short")
    with caplog.at_level(logging.WARNING):
        async with persistent(folder) as sandbox:
            assert await sandbox.get("/messages", channel="general") == []
            assert [each["content"] for each in await sandbox.get("/messages", channel="random")] == ["b"]
    assert len([each for each in caplog.records if "damaged" in each.getMessage()]) == 2


async def test_a_lost_directory_is_said_once_and_stops_nothing(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with persistent(folder) as sandbox:
        keeper = sandbox.sandbox.keeper
        assert keeper is not None
        rename(folder, "elsewhere")
        with caplog.at_level(logging.WARNING):
            for number in range(3):
                await sandbox.post("/say", channel="general", user="alice", content=str(number))
                await keeper.save()
        rename(folder.with_name("elsewhere"), folder.name)  # which fails if it had been created again
    assert [each.getMessage() for each in caplog.records if "not stored" in each.getMessage()] == [
        "the world is not stored: no such file or directory"
    ]
    async with persistent(folder) as sandbox:
        found = await sandbox.get("/messages", channel="general")
        assert [each["content"] for each in found] == ["0", "1", "2"]
