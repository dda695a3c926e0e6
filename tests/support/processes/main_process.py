"""Runs `nescord run main` on a test's project, and reads its log."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from nescord_core.services.control.running_services import read_all
from support.dispatch.peers import until

APP = """
import asyncio
import os
from pathlib import Path
from nescord_core import WsListener
from bot_main.words import ANSWER

listener = WsListener()
out = os.open(Path(__file__).parent.parent / "handled", os.O_WRONLY | os.O_APPEND | os.O_CREAT)


@listener.on("MESSAGE_CREATE")
def note(message, event):
    os.write(out, f"{ANSWER} {event.guild_id} {event.seq} {event.redelivered}\\n".encode())


@listener.on("TYPING_START")
async def take_long(_):
    await asyncio.sleep(0.02)
"""


def make_project(directory: Path, **main: Any) -> Path:
    """Create a project whose bot records every message that it handles."""
    (directory / "bot_main").mkdir(parents=True)
    (directory / "bot_main/__init__.py").touch()
    (directory / "bot_main/app.py").write_text(APP)
    (directory / "bot_main/words.py").write_text("ANSWER = 1\n")
    values = {"listen": "127.0.0.1:0", "admin": "127.0.0.1:0", **main}
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    (directory / "nescord.toml").write_text("\n".join(["[main]", *lines, ""]))
    return directory


def handled(project: Path) -> list[tuple[int, int, int, bool]]:
    """Return (answer, guild, seq, redelivered) of every handled message, in order."""
    path = project / "handled"
    rows = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    return [(int(row[0]), int(row[1]), int(row[2]), row[3] == "True") for row in rows]


class MainProcess:
    """A running `nescord run main`."""

    def __init__(self, project: Path, process: asyncio.subprocess.Process) -> None:
        self.project = project
        self.process = process
        self.records: list[dict[str, Any]] = []
        self.other_lines: list[str] = []

    async def listen(self) -> None:
        assert self.process.stderr is not None
        while line := await self.process.stderr.readline():
            try:
                self.records.append(json.loads(line))
            except ValueError:
                self.other_lines.append(line.decode())

    @property
    def reloads(self) -> list[dict[str, Any]]:
        """The log records of reloads, successful and refused."""
        return [record for record in self.records if "reload" in record]

    @property
    def address(self) -> str:
        return read_all(self.project / ".nescord")["main"].address

    async def ready(self) -> None:
        await until(lambda: "main" in read_all(self.project / ".nescord"), seconds=60)

    async def request(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        admin = read_all(self.project / ".nescord")["main"].admin
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"http://{admin}{path}", **options) as response,
        ):
            text = await response.text()
            return response.status, json.loads(text) if "json" in response.content_type else text

    async def workers(self) -> list[dict[str, Any]]:
        _, stats = await self.request("GET", "/stats")
        found: list[dict[str, Any]] = stats["workers"]
        return found

    async def until_serving(self) -> None:
        async with asyncio.timeout(60):
            while (await self.request("GET", "/readyz"))[0] != 200:  # noqa: ASYNC110 - the other process knows
                await asyncio.sleep(0.02)

    def write(self, answer: object, *, file: str = "bot_main/words.py") -> None:
        """Save a file as an editor does, by replacing it with a new one."""
        text = f"ANSWER = {answer}\n" if file.endswith("words.py") else str(answer)
        fresh = self.project / f"{file}~"
        fresh.write_text(text)
        fresh.replace(self.project / file)

    async def end(self) -> int:
        async with asyncio.timeout(60):
            return await self.process.wait()


@asynccontextmanager
async def main_process(
    project: Path, *flags: str, method: str = "auto", environ: Mapping[str, str] | None = None
) -> AsyncIterator[MainProcess]:
    """Run main for the duration of the block, then end it with SIGTERM."""
    own = {"NESCORD_LOG_JSON": "1", "NESCORD_RELOAD_METHOD": method}
    environment = {**os.environ, **own, **(environ or {})}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "nescord_cli", "run", "main", *flags),
        cwd=project,
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    subject = MainProcess(project, process)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(subject.listen())
        try:
            yield subject
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            try:
                await subject.end()
            except TimeoutError:
                process.kill()
                raise
