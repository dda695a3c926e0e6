"""`listener.run()` in a process of its own: configuration, signals, and error messages."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc.aio
import pytest

from support.dispatch.raw_ws import WsPeer, until
from support.dispatch.sender import event, sending
from support.processes.commands import free_port

BOT = """
import asyncio
from pathlib import Path
from nescord_core import WsListener

listener = WsListener()

@listener.on_drain
def closed():
    Path("closed").touch()

@listener.on("message_create")
async def slow(message):
    Path("started").touch()
    while not Path("finish").exists():
        await asyncio.sleep(0.01)

@listener.on("ready")
def ready(payload):
    Path("shard").write_text(str(payload.shard))

if __name__ == "__main__":
    listener.run()
"""


def start(folder: Path, code: str, **environ: str) -> subprocess.Popen[str]:
    (folder / "bot.py").write_text(code)
    own = {key: value for key, value in os.environ.items() if not key.startswith(("NESCORD_", "DISCORD_"))}
    return subprocess.Popen(
        [sys.executable, "bot.py"],
        cwd=folder,
        env=own | environ,
        stderr=subprocess.PIPE,
        text=True,
    )


@asynccontextmanager
async def running(folder: Path, port: int) -> AsyncIterator[subprocess.Popen[str]]:
    process = start(folder, BOT, NESCORD_MAIN_LISTEN=f"127.0.0.1:{port}")
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@asynccontextmanager
async def attached(port: int, process: subprocess.Popen[str]) -> AsyncIterator[WsPeer]:
    """Connect as soon as the process listens."""
    async with asyncio.timeout(30):
        while True:
            assert process.poll() is None, process.communicate()
            try:
                async with WsPeer(port) as ws:
                    yield ws
                    return
            except grpc.aio.AioRpcError:
                await asyncio.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_drains_what_runs_and_the_process_ends_well(
    tmp_path: Path, number: signal.Signals
) -> None:
    port = free_port()
    async with running(tmp_path, port) as process, attached(port, process) as ws:
        first = ws.event("READY", {"shard": [0, 2]})
        slow = ws.event("MESSAGE_CREATE")
        await until((tmp_path / "started").exists)
        process.send_signal(number)
        await ws.drained.wait()
        assert slow not in ws.acked
        (tmp_path / "finish").touch()
        await until(lambda: sorted(ws.acked) == [first, slow])
        await until(lambda: process.poll() is not None)
        assert process.returncode == 0, process.communicate()
    assert (tmp_path / "closed").exists()
    assert (tmp_path / "shard").read_text() == "[0, 2]"


async def test_a_taken_port_is_one_readable_paragraph(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        process = start(tmp_path, BOT, NESCORD_MAIN_LISTEN=f"127.0.0.1:{port}")
        _, errors = await asyncio.to_thread(process.communicate, timeout=60)
    assert process.returncode == 1
    assert f"nescord: main cannot listen on 127.0.0.1:{port}" in errors
    assert "Traceback" not in errors


async def test_a_wrong_address_is_wrong_use(tmp_path: Path) -> None:
    code = BOT.replace("WsListener()", 'WsListener("nonsense")')
    process = start(tmp_path, code)
    _, errors = await asyncio.to_thread(process.communicate, timeout=60)
    assert process.returncode == 2
    assert "'nonsense' is not HOST:PORT" in errors
    assert "Traceback" not in errors


KILLED = """
import asyncio
from pathlib import Path
from nescord_core import WsListener

listener = WsListener()

@listener.on("message_create", ordered=True)
async def handler(message, event):
    with open("seen", "a") as seen:
        seen.write(f"{message.n} {event.redelivered}\\n")
    if message.n == 2 and not event.redelivered:
        await asyncio.Event().wait()

if __name__ == "__main__":
    listener.run()
"""


async def test_kill_9_in_the_middle_of_a_handler_brings_its_event_again_marked(tmp_path: Path) -> None:
    """Finished events are not repeated, started ones come again marked, waiting ones come in order."""
    port = free_port()
    environ = {"NESCORD_MAIN_LISTEN": f"127.0.0.1:{port}"}
    seen = tmp_path / "seen"
    async with sending(port, no_command) as (sender, acknowledged):
        for number in (1, 2, 3):
            sender.put(event(number, 5))
        process = start(tmp_path, KILLED, **environ)
        try:
            await until(lambda: seen.exists() and "2 False" in seen.read_text())
            await until(lambda: acknowledged[-1] == 1)
        finally:
            process.kill()
            process.communicate()
        process = start(tmp_path, KILLED, **environ)
        try:
            await until(lambda: acknowledged[-1] == 3, timeout=40)
        finally:
            process.kill()
            process.communicate()
    assert seen.read_text().split("\n")[:-1] == ["1 False", "2 False", "2 True", "3 True"]


async def no_command(*arguments: object) -> None:
    raise AssertionError(arguments)
