"""The page's files, and the websocket with the events that it shows."""

from __future__ import annotations

import json

from nescord_core.sandbox.page.service import STATIC
from nescord_core.settings import SANDBOX_TOKEN as TOKEN
from support.sandbox.raw_gateway import RawGateway
from support.sandbox.running import rest, running_sandbox


async def test_the_page_is_whole_and_asks_nobody_else() -> None:
    async with running_sandbox() as sandbox:
        files = [each.relative_to(STATIC).as_posix() for each in STATIC.rglob("*.*")]
        for path in ("", "page.css", "page.js", *(each for each in files if each != "page.html")):
            async with sandbox.http.get(f"{sandbox.url}/{path}") as answer:
                assert answer.status == 200, path
                text = await answer.text()
                assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
                if not path.startswith("vendor/"):  # their addresses are in comments and in dead branches
                    assert "https://" not in text.replace("https?:", "")
                    assert "innerHTML" not in text


def test_every_library_of_the_page_has_its_licence() -> None:
    files = [each for each in (STATIC / "vendor").iterdir() if each.suffix == ".js"]
    for file in files:
        named = [word.rstrip("),.") for word in file.read_text().split("\n")[0].split() if ".LICENSE" in word]
        assert named, file.name
        assert all((STATIC / "vendor" / each).is_file() for each in named), file.name


async def test_the_feed_gives_the_page_every_event() -> None:
    async with running_sandbox() as sandbox, sandbox.http.ws_connect(f"{sandbox.url}/sandbox/events") as feed:
        assert (await feed.receive_json(timeout=5))["t"] == "SANDBOX_CONNECTED"
        await sandbox.post("/say", channel="general", user="alice", content="hi")
        event = await feed.receive_json(timeout=5)
        assert (event["t"], event["d"]["content"]) == ("MESSAGE_CREATE", "hi")
        async with RawGateway(sandbox.gateway_url) as bot:
            await bot.identify(TOKEN, intents=0)
            status = await feed.receive_json(timeout=5)
            assert (status["t"], status["d"]["bot_online"]) == ("SANDBOX_STATUS", True)


async def test_an_open_page_gets_every_request_without_the_token() -> None:
    async with running_sandbox() as sandbox:
        channel = (await sandbox.get("/state"))["guilds"][0]["channels"][0]["id"]
        async with sandbox.http.ws_connect(f"{sandbox.url}/sandbox/events") as feed:
            await feed.receive()
            status, _ = await rest(sandbox, "POST", f"/channels/{channel}/messages", {"content": "x" * 3000})
            assert status == 400
            raw = await feed.receive_str()
        told = json.loads(raw)
        assert told["t"] == "SANDBOX_REST"
        assert (told["d"]["method"], told["d"]["status"]) == ("POST", 400)
        assert "Must be 2000 or fewer" in told["d"]["answer"]
        assert told["d"]["remaining"] == "4"
        assert TOKEN not in raw
