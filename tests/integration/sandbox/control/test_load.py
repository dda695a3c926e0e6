"""The load that the control API starts."""

from __future__ import annotations

from nescord_core.events import Intents
from nescord_core.settings import SANDBOX_TOKEN as TOKEN
from support.sandbox.raw_gateway import RawGateway
from support.sandbox.running import RunningSandbox

ALL = Intents.all().value


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
        assert "is already running" in await sandbox.refused("POST", "/load", {"rate": 1, "seconds": 1})
        await sandbox.call("DELETE", "/load")
        while (report := await sandbox.get("/load"))["running"]:
            pass  # every look is a request: the load has its turn meanwhile
        assert report["sent"] < report["wanted"]
