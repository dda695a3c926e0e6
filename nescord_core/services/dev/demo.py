"""`nescord demo`: a temporary project on the sandbox, and a conversation that checks it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from nescord_core.bot.libraries.installed import require_discordpy
from nescord_core.config import Config
from nescord_core.errors import NescordError, ServiceFailed
from nescord_core.process.port_claims import PortClaims
from nescord_core.services.project import templates

__all__ = ["PortClaims", "converse", "free_offset", "make_project", "post", "ready", "running"]

BEFORE = '"Pong!"'
AFTER = '"Pong! (new code)"'
STEP = 50
Report = Callable[[str], None]


def make_project(directory: Path) -> None:
    """Write the template `minimal` to an empty directory."""
    templates.write(templates.plan("minimal", directory), directory)


def free_offset(config: Config, claims: PortClaims) -> int:
    """Return the smallest port offset at which every port of the project is free, and claim the ports."""
    for offset in range(0, 2000, STEP):
        moved = config.shifted(offset)
        addresses = [
            moved["sandbox.listen"],
            (moved["rest.host"], moved["rest.port"]),
            moved["main.listen"],
            moved["ws.admin"],
            moved["main.admin"],
        ]
        is_free = all(_is_free(host, port) for host, port in addresses)
        if is_free and claims.take(port for _, port in addresses):
            return offset
    raise NescordError("there are no free ports for the demo.", hint="Stop other nescord projects first.")


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


@asynccontextmanager
async def running(project: Path, offset: int, *, stop_timeout: float = 20.0) -> AsyncIterator[DevRun]:
    """Run `nescord dev` in the project as a separate process, and stop it at the end of the block.

    Raises:
        ConfigError: discord.py does not work here.

    """
    require_discordpy("the sandbox")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("DISCORD_", "NESCORD_", "GRPC_"))}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "nescord_cli", "dev", "--sandbox", "--json"),
        *("--port-offset", str(offset)),
        cwd=project,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    run = DevRun(process)
    try:
        async with asyncio.TaskGroup() as group:
            reader = group.create_task(run.collect())
            try:
                yield run
            finally:
                await _stop(process, stop_timeout)
                await reader
    except BaseExceptionGroup as group_error:
        raise group_error.exceptions[0] from None


async def _stop(process: asyncio.subprocess.Process, timeout: float) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(timeout):
            await process.wait()
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


class DevRun:
    """A running `nescord dev --json` and its output as text."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.lines: list[str] = []
        self.broken_code = ""

    async def collect(self) -> None:
        """Read the output until the process ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self._take(line.decode(errors="replace").rstrip())

    def _take(self, line: str) -> None:
        try:
            entry = json.loads(line)
            text = f"{entry['service']:<8}| {entry['message']}"
        except (ValueError, TypeError, KeyError):
            entry, text = {}, line
        self.lines.append(text)
        if (entry.get("reload") or {}).get("ok") is False:
            self.broken_code = entry["message"]

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def ended(self) -> int | None:
        """The exit code, or None while it is running."""
        return self._process.returncode


async def converse(
    run: DevRun, project: Path, sandbox_url: str, report: Report, *, timeout: float = 60.0
) -> None:
    """Say !ping, expect Pong!, change the code, say !ping again, and expect the new answer.

    Raises:
        ServiceFailed: no answer arrived within ``timeout`` seconds; the details quote the bot's output.

    """
    started = time.monotonic()
    async with aiohttp.ClientSession(sandbox_url) as session:
        await ready(run, session, timeout)
        first = await _ask(run, session, timeout)
        report(f"alice: !ping\nbot:   {first}    ({time.monotonic() - started:.1f} s after the start)")
        source = project / "bot_main" / "app.py"
        text = source.read_text(encoding="utf-8")
        if first != BEFORE.strip('"') or BEFORE not in text:
            raise ServiceFailed("main", f"the bot answered {first!r}, not {BEFORE}.")
        source.write_text(text.replace(BEFORE, AFTER), encoding="utf-8")
        saved = time.monotonic()
        report(f"       (changed bot_main/app.py: {BEFORE} is now {AFTER})")
        await _until_new(run, session, report, saved, timeout)


async def _until_new(
    run: DevRun, session: aiohttp.ClientSession, report: Report, saved: float, timeout: float
) -> None:
    old = 0
    while time.monotonic() - saved < timeout:
        answer = await _ask(run, session, timeout)
        if answer == AFTER.strip('"'):
            if old:
                times = "once more" if old == 1 else f"{old} more times"
                report(f"       (the old code answered {times} while the new code was loading)")
            report(f"alice: !ping\nbot:   {answer}    ({time.monotonic() - saved:.1f} s after the change)")
            return
        old += 1
        await asyncio.sleep(0.1)
    raise _failed(run, "the bot still gives the old answer")


async def ready(run: DevRun, session: aiohttp.ClientSession, timeout: float) -> None:
    """Wait until the bot has a gateway session; it does not receive earlier messages."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if run.broken_code:
            raise ServiceFailed("main", "the bot's code cannot be loaded.", details=run.broken_code)
        if run.ended is not None:
            raise _failed(run, f"`nescord dev` exited with code {run.ended}")
        try:
            async with session.get("/sandbox/state") as answer:
                if answer.status == 200 and (await answer.json()).get("bot_online"):
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.05)
    raise _failed(run, "the bot did not come online")


async def _ask(run: DevRun, session: aiohttp.ClientSession, timeout: float) -> str:
    said = await post(session, "/sandbox/say", {"channel": "general", "user": "alice", "content": "!ping"})
    wanted = {"channel": "general", "author": "bot", "after": said["id"], "timeout": timeout}
    try:
        return str((await post(session, "/sandbox/wait", wanted, timeout + 10))["content"])
    except (aiohttp.ClientError, TimeoutError):
        raise _failed(run, "the bot did not answer !ping") from None


async def post(session: aiohttp.ClientSession, path: str, body: Any, timeout: float = 30.0) -> Any:
    limit = aiohttp.ClientTimeout(total=timeout)
    async with session.post(path, json=body, timeout=limit, raise_for_status=True) as answer:
        return await answer.json()


def _failed(run: DevRun, what: str) -> ServiceFailed:
    return ServiceFailed("demo", f"{what}.", details="\n".join(run.lines[-25:]))
