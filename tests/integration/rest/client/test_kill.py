"""kill -9 of rest with 500 messages in flight: each arrives, and arrives once."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from nescord_core.rest.client.client import RestClient
from support.sandbox.running import RunningSandbox, running_sandbox

MESSAGES = 500
CHANNELS = 100
PROGRAM = """
import sys
from nescord_core import RestServer
token, port, api_url, state_dir = sys.argv[1:]
RestServer(token, port=int(port), api_url=api_url, global_limit=5000, state_dir=state_dir).run()
"""


@asynccontextmanager
async def rest(
    sandbox: RunningSandbox, directory: Path, port: int
) -> AsyncIterator[tuple[int, asyncio.subprocess.Process]]:
    """Run rest as a process; return its port and the process."""
    api_url = f"{sandbox.url}/api/v10"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, sandbox.token, str(port), api_url, str(directory)),
        cwd=directory,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(20):
            line = b""
            while b"is ready on" not in line:
                line = await process.stderr.readline()
                assert line, "rest ended before it was ready"
        yield int(line.rpartition(b":")[2]), process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_each_message_arrives_exactly_once(tmp_path: Path) -> None:
    async with running_sandbox(global_limit=10_000) as sandbox:
        guild = (await sandbox.get("/state"))["guilds"][0]["id"]
        made = [await sandbox.post("/channels", guild=guild, name=f"c{n}") for n in range(CHANNELS)]
        channels = [int(each["id"]) for each in made]
        sent: list[int] = []
        async with rest(sandbox, tmp_path, 0) as (port, victim), asyncio.TaskGroup() as group:
            # A busy machine may take a while to restart rest.
            client = RestClient(sandbox.token, f"http://127.0.0.1:{port}", patience=60.0)

            async def send(number: int) -> None:
                await client.create_message(channels[number % CHANNELS], content=f"number {number}")
                sent.append(number)

            for number in range(MESSAGES):
                group.create_task(send(number))
            while len(sent) < MESSAGES // 10:  # noqa: ASYNC110 - until the load is under way
                await asyncio.sleep(0.005)
            victim.kill()
            assert len(sent) < MESSAGES
            # A restart has to wait for its exit: on a busy machine its port stays taken until then.
            await victim.wait()
            async with rest(sandbox, tmp_path, port):
                while len(sent) < MESSAGES:  # noqa: ASYNC110 - until all are answered
                    await asyncio.sleep(0.02)
        await client.close()
        arrived: Counter[str] = Counter()
        for channel in channels:
            found = await sandbox.get("/messages", channel=str(channel), limit=100)
            arrived.update(each["content"] for each in found)
    assert arrived == Counter(f"number {number}" for number in range(MESSAGES))
