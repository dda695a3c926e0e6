"""A bot that runs on the sandbox does not reach the real Discord, whatever it uses to try."""

from __future__ import annotations

from pathlib import Path

from nescord_core import config
from support.processes.main_process import main_process, make_project

APP = """
from pathlib import Path
import aiohttp
from nescord_core import WsListener

out = Path(__file__).parent.parent / "tried"
listener = WsListener()


async def login(url):
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(5)) as session:
        async with session.get(url, headers={"Authorization": "Bot MTE5.a-real.token"}):
            pass


@listener.on_start
async def connect():
    tries = {
        "aiohttp": lambda: login("https://discord.com/api/v10/users/@me"),
        "gateway": lambda: login("https://gateway.discord.gg/"),
        "other": lambda: login("http://discord.com.localhost:9/"),
    }
    for name, attempt in tries.items():
        try:
            await attempt()
        except Exception as error:
            with out.open("a") as file:
                file.write(f"{name}: {error}\\n")
"""


async def test_nothing_connects_to_discord_from_the_sandbox(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    (project / "bot_main/app.py").write_text(APP)
    token = config.load(project, environ={})["sandbox.token"]
    async with main_process(project, environ={"DISCORD_BOT_TOKEN": token}) as it:
        await it.ready()
    tried = dict(line.split(": ", 1) for line in (project / "tried").read_text().splitlines())
    assert tried.keys() == {"aiohttp", "gateway", "other"}
    for name in ("aiohttp", "gateway"):
        assert "runs on the sandbox, where nothing connects to the real Discord" in tried[name]
    assert "real Discord" not in tried["other"]
