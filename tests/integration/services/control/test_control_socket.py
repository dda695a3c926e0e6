"""The control socket: requests, streams, a single owner, and private to its user."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from nescord_core.errors import AlreadyRunning, ConfigError, NescordError, NotRunning, TransportError
from nescord_core.services.control import control_socket


async def hello(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"hello": fields.get("to", "you")}


async def refuse(_: Mapping[str, Any]) -> Mapping[str, Any]:
    raise ConfigError("it is impossible.", hint="Do this.")


async def break_down(_: Mapping[str, Any]) -> Mapping[str, Any]:
    raise ZeroDivisionError


async def sleep_long(_: Mapping[str, Any]) -> Mapping[str, Any]:
    await asyncio.sleep(60)
    return {}


COMMANDS: dict[str, control_socket.Command] = {
    "hello": hello,
    "refuse": refuse,
    "break": break_down,
    "sleep": sleep_long,
}


async def test_a_command_is_answered_and_the_socket_is_gone_afterwards(tmp_path: Path) -> None:
    async with control_socket.serve_control(tmp_path, COMMANDS) as path:
        assert await control_socket.request(tmp_path, "hello", to="me") == {"hello": "me"}
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path == tmp_path / "control.sock"
    assert not path.exists()
    with pytest.raises(NotRunning, match="nescord dev is not running with state in"):
        await control_socket.request(tmp_path, "hello")


async def test_errors_cross_the_socket_with_their_hint(tmp_path: Path) -> None:
    async with control_socket.serve_control(tmp_path, COMMANDS):
        with pytest.raises(NescordError, match=r"it is impossible\. Do this\."):
            await control_socket.request(tmp_path, "refuse")
        with pytest.raises(NescordError, match="'dance' is not a command here; there are break, hello"):
            await control_socket.request(tmp_path, "dance")


async def test_a_bug_in_one_command_leaves_the_others_working(tmp_path: Path) -> None:
    async with control_socket.serve_control(tmp_path, COMMANDS):
        with pytest.raises(NescordError, match="ZeroDivisionError"):
            await control_socket.request(tmp_path, "break")
        assert await control_socket.request(tmp_path, "hello") == {"hello": "you"}


@pytest.mark.parametrize("line", [b"\n", b"[]\n", b"{}\n", b"\xff\xfe\n", b"{" * 100_000 + b"\n"])
async def test_nonsense_is_answered_with_an_error(tmp_path: Path, line: bytes) -> None:
    async with control_socket.serve_control(tmp_path, COMMANDS) as path:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(line)
        assert json.loads(await reader.readline())["ok"] is False
        writer.close()
        assert await control_socket.request(tmp_path, "hello")


async def test_a_missing_answer_times_out(tmp_path: Path) -> None:
    async with control_socket.serve_control(tmp_path, COMMANDS):
        with pytest.raises(TransportError, match=r"no answer to sleep within 0.1 s"):
            await control_socket.request(tmp_path, "sleep", timeout=0.1)


async def test_the_end_of_the_server_closes_open_connections(tmp_path: Path) -> None:
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        async with control_socket.serve_control(tmp_path, COMMANDS):
            waiting = group.create_task(_outcome(tmp_path))
            await asyncio.sleep(0.05)
        assert isinstance(await waiting, TransportError)


async def _outcome(state_dir: Path) -> Exception | None:
    try:
        await control_socket.request(state_dir, "sleep")
    except TransportError as error:
        return error
    return None


async def test_an_error_in_the_block_is_raised_unchanged(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="plain"):
        async with control_socket.serve_control(tmp_path, COMMANDS):
            raise ConfigError("plain")


async def test_a_stream_ends_with_its_source_and_its_reader_can_disconnect(tmp_path: Path) -> None:
    left = asyncio.Event()

    async def count(fields: Mapping[str, Any]) -> AsyncIterator[Mapping[str, Any]]:
        try:
            for number in range(fields["up_to"]):
                yield {"number": number}
            if fields["hold"]:
                await asyncio.sleep(60)
        finally:
            left.set()

    async with control_socket.serve_control(tmp_path, {"count": count}):
        answers = [a async for a in control_socket.stream(tmp_path, "count", up_to=3, hold=False)]
        assert answers == [{"number": 0}, {"number": 1}, {"number": 2}]
        left.clear()
        endless = control_socket.stream(tmp_path, "count", up_to=1, hold=True)
        assert await anext(endless) == {"number": 0}
        await endless.aclose()  # type: ignore[attr-defined]  # an async generator behind its interface
        async with asyncio.timeout(20):
            await left.wait()


async def test_the_error_of_a_second_owner_names_the_first(tmp_path: Path) -> None:
    async with control_socket.serve_control(tmp_path, COMMANDS):
        with pytest.raises(AlreadyRunning, match=f"nescord dev is already running.*process {os.getpid()}"):
            async with control_socket.serve_control(tmp_path, COMMANDS):
                pass
        async with control_socket.serve_control(tmp_path, COMMANDS, name="main"):
            assert await control_socket.request(tmp_path, "hello", name="main")
        assert await control_socket.request(tmp_path, "hello") == {"hello": "you"}


def kill_an_owner(state_dir: Path) -> None:
    body = (
        "import asyncio, sys; from pathlib import Path\n"
        "from nescord_core.services.control import control_socket\n"
        "async def run():\n"
        "    async with control_socket.serve_control(Path(sys.argv[1]), {}):\n"
        "        print('up', flush=True); await asyncio.sleep(600)\n"
        "asyncio.run(run())"
    )
    with subprocess.Popen([sys.executable, "-c", body, str(state_dir)], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"up\n"
        owner.kill()


async def test_the_socket_of_a_killed_owner_is_taken_over(tmp_path: Path) -> None:
    kill_an_owner(tmp_path)
    assert (tmp_path / "control.sock").exists()
    with pytest.raises(NotRunning):
        await control_socket.request(tmp_path, "hello")
    async with control_socket.serve_control(tmp_path, COMMANDS):
        assert await control_socket.request(tmp_path, "hello")


async def test_a_path_too_long_for_a_socket_is_replaced_by_a_short_private_one(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 90) / ("e" * 90)
    deep.mkdir(parents=True)
    async with control_socket.serve_control(deep, COMMANDS) as path:
        assert len(os.fsencode(path)) <= control_socket.LONGEST_PATH
        assert await control_socket.request(deep, "hello") == {"hello": "you"}
        assert path.parent.stat().st_uid == os.getuid()
        assert control_socket.socket_path(deep.parent) != path
    assert not path.exists()
