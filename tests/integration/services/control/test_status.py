"""Running services as seen from another process: supervised or on their own."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from nescord_core.errors import NotRunning, TransportError
from nescord_core.services.control import control_socket
from nescord_core.services.control.running_services import announce
from nescord_core.services.control.status import collect

ALONE = """
import signal, sys, threading
from pathlib import Path
from nescord_core.services.control.running_services import announce
asked = threading.Event()
if sys.argv[2] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: asked.set())
with announce(Path(sys.argv[1]), "rest", address="127.0.0.1:1"):
    print("up", flush=True)
    while not asked.wait(0.02): pass
"""


class Health:
    """A service's admin port."""

    def __init__(self) -> None:
        self.status = 200

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_get("/readyz", self._answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def _answer(self, _: web.Request) -> web.Response:
        return web.Response(status=self.status)


@asynccontextmanager
async def alone(state_dir: Path, how: str = "polite") -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ALONE, str(state_dir), how), stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"up\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_nothing_is_running(tmp_path: Path) -> None:
    assert await collect(tmp_path) == {}
    with pytest.raises(NotRunning):
        await control_socket.stop(tmp_path)


async def test_services_without_a_supervisor_are_probed(tmp_path: Path) -> None:
    health = Health()
    async with health.serving() as admin:
        with announce(tmp_path, "ws", address="127.0.0.1:2", admin=admin):
            found = await collect(tmp_path)
            assert found["ws"]["state"] == "ready"
            assert found["ws"]["pid"] == os.getpid()
            assert found["ws"]["address"] == "127.0.0.1:2"
            assert found["ws"]["restarts"] == 0
            assert found["ws"]["uptime_s"] >= 0
            health.status = 503
            assert (await collect(tmp_path))["ws"]["state"] == "unhealthy"


async def test_a_service_that_does_not_answer_is_not_ready(tmp_path: Path) -> None:
    async with Health().serving() as admin:
        pass
    with announce(tmp_path, "ws", admin=admin):
        assert (await collect(tmp_path))["ws"]["state"] == "unhealthy"


async def test_a_wait_ends_when_all_services_are_ready(tmp_path: Path) -> None:
    health = Health()
    health.status = 503
    async with health.serving() as admin, asyncio.TaskGroup() as tasks:
        with announce(tmp_path, "ws", admin=admin):
            waiting = tasks.create_task(collect(tmp_path, wait=30))
            await asyncio.sleep(0.3)
            assert not waiting.done()
            health.status = 200
            assert (await waiting)["ws"]["state"] == "ready"


async def test_the_supervisor_decides_and_other_services_are_added(tmp_path: Path) -> None:
    reported = {"rest": {"state": "backoff", "pid": None, "address": "", "uptime_s": None, "restarts": 3}}

    async def status(_: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"services": reported}

    with announce(tmp_path, "ws"), announce(tmp_path, "rest"):
        async with control_socket.serve_control(tmp_path, {"status": status}):
            found = await collect(tmp_path)
    assert found["rest"] == reported["rest"] | dict.fromkeys(("cpu_percent", "memory_mb", "processes"))
    assert found["ws"]["state"] == "ready"


async def test_services_without_a_supervisor_are_stopped_by_sigterm(tmp_path: Path) -> None:
    async with alone(tmp_path) as process:
        await control_socket.stop(tmp_path)
        assert await process.wait() == 0
    assert await collect(tmp_path) == {}


async def test_a_service_that_does_not_stop_is_an_error(tmp_path: Path) -> None:
    async with alone(tmp_path, "deaf") as process:
        with pytest.raises(TransportError, match=r"some services are still running after 0.3 s"):
            await control_socket.stop(tmp_path, timeout=0.3)
        process.send_signal(signal.SIGKILL)


async def test_the_logs_of_an_ended_run_can_be_read(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "rest.log").write_text("2026-01-01T00:00:01.000+00:00 one\n2026-01-01T00:00:03.000+00:00 three\n")
    (logs / "ws.log").write_text("2026-01-01T00:00:02.000+00:00 two\nnonsense\n")
    lines = [line async for line in control_socket.logs(tmp_path, lines=3)]
    assert [(line["service"], line["text"]) for line in lines] == [
        ("rest", "one"),
        ("ws", "two"),
        ("rest", "three"),
    ]
    assert [line["text"] async for line in control_socket.logs(tmp_path, "rest", lines=1)] == ["three"]
    with pytest.raises(NotRunning):
        await anext(control_socket.logs(tmp_path, "main"))


async def test_reload_returns_the_report_of_main(tmp_path: Path) -> None:
    async def reload(_: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"line": "bot_main/app.py  63 ms", "generation": 2}

    async with control_socket.serve_control(tmp_path, {"reload": reload}, name=control_socket.MAIN):
        report = await control_socket.reload(tmp_path)
    assert report == {"message": "bot_main/app.py  63 ms", "line": "bot_main/app.py  63 ms", "generation": 2}
    with pytest.raises(NotRunning, match="nescord main is not running"):
        await control_socket.reload(tmp_path)
