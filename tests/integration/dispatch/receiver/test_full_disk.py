"""The disk of main is full: a limit on the size of files stands for that, in a process of its own."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[3]

PROGRAM = """
import asyncio, logging, os, resource, sys
from pathlib import Path
from nescord_core.dispatch.receiver import finished_log
from nescord_core.dispatch.receiver.finished_log import FinishedLog
from support.dispatch.peers import Main, Ws, event, until

finished_log._RETRY = 0.2
logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
folder = Path(sys.argv[1])

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

async def run():
    async with Main(folder).listening() as main:
        ws = Ws(main.address)
        async with ws.running():
            limit(100)
            for seq in range(1, 2001, 2):  # gaps: nothing to be merged into one line
                ws.put([event(seq)])
                await asyncio.sleep(0.001)
            await until(lambda: ws.reported.get((0, "s")) == 1999)
            assert len(main.got) == 1000, len(main.got)
            assert not any(d.envelope.redelivered for d in main.got)
            assert main.receiver.stats().streams == 1
            assert len(os.listdir("/proc/self/fd")) < 100
            limit(resource.RLIM_INFINITY)
            await asyncio.sleep(0.3)
            ws.put([event(2001)])
            await until(lambda: ws.reported.get((0, "s")) == 2001)
    with FinishedLog(folder / "dedupe", name="next", window=10_000) as log:
        assert all(log.seen(0, "s", seq) for seq in range(1, 2002, 2))

asyncio.run(run())
"""


@pytest.mark.bound("state_dir: a disk without room for state_dir/dedupe")
async def test_a_full_disk_is_said_once_breaks_no_stream_and_is_written_again_when_it_has_room(
    tmp_path: Path,
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        str(tmp_path),
        stderr=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": str(TESTS)},
    )
    _, errors = await process.communicate()
    said = errors.decode()
    assert process.returncode == 0, said
    assert said.count("cannot record finished events") == 1
    assert said.count("finished events are recorded again") == 1
    assert "broke" not in said
