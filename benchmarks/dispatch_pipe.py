"""Throughput of the dispatch wire: two processes, MESSAGE_CREATE of 1,184 bytes, acknowledged at once.

    python benchmarks/dispatch_pipe.py [EVENTS] [EVENTS_PER_SECOND]

Without a rate: as fast as possible, with at most 20,000 events waiting. Prints events per second of
wall-clock time and of each process's CPU time; with a rate, also the time from `put` to the acknowledgement.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from nescord_core.dispatch.receiver.receiver import Delivery, Receiver
from nescord_core.dispatch.sender.outbox import Entry
from nescord_core.dispatch.sender.sender import HelloFacts, Sender
from nescord_core.envelope import Envelope
from nescord_core.settings import MainSettings, WsSettings

DATA = b'{"content":"' + b"x" * 1170 + b'"}'
GUILDS = 2500


async def main_side(state_dir: str) -> None:
    """Finish every event at once; between two lines of input, measure and print the CPU seconds used."""
    receiver: Receiver

    def accept(delivery: Delivery) -> None:
        receiver.done(delivery)

    settings = MainSettings(state_dir=Path(state_dir))
    async with Receiver(settings, replica="0", generation=1, accept=accept) as receiver:
        print(await receiver.listen("127.0.0.1", 0), flush=True)
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        await reader.readline()
        before = time.process_time()
        await reader.readline()
        print(time.process_time() - before, flush=True)


async def feed(sender: Sender, events: int, rate: float) -> None:
    """Put events at a rate, or as fast as the outbox drains."""
    start, seq = time.perf_counter(), 0
    while seq < events:
        allowed = events if not rate else min(events, int((time.perf_counter() - start) * rate))
        while seq < allowed and (rate or sender.outbox.events < 20_000):
            seq += 1
            guild = (seq % GUILDS + 1) << 22
            sender.put(Envelope(0, "session", seq, "MESSAGE_CREATE", guild, guild, DATA, time.time()))
            if not seq % 512:
                break
        await asyncio.sleep(max(1 / rate, 0.001) if rate else 0.001)
    await sender.drain(60)


async def measure(events: int, rate: float, state_dir: str) -> None:
    """Start a main process, send it the events and print the result."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        __file__,
        "--main",
        state_dir,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    port = int(await child.stdout.readline())

    async def refuse(shard_id: int, op: int, data: bytes, deadline: float) -> None:
        raise AssertionError

    sender = Sender(
        replace(WsSettings(token="t", intents=0), grpc_hosts=(f"127.0.0.1:{port}",)),
        hello=HelloFacts(cluster="bench", shard_ids=(0,), shard_count=1),
        acknowledged=lambda shard_id, session_id, seq: None,
        command=refuse,
    )
    waits: list[float] = []
    if rate:
        done = sender.outbox.done

        def timed(*entries: Entry) -> None:
            now = time.time()
            waits.extend(now - entry.envelope.received_at for entry in entries)
            done(*entries)

        sender.outbox.done = timed  # type: ignore[method-assign]  # only to measure
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(sender.run())
        while not sender.attached:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)
        child.stdin.write(b"start\n")
        wall, cpu = time.perf_counter(), time.process_time()
        await feed(sender, events, rate)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        child.stdin.write(b"stop\n")
        main_cpu = float(await child.stdout.readline())
        task.cancel()
    child.stdin.close()
    await child.wait()
    print(
        json.dumps(
            {
                "events": events,
                "wall_per_s": round(events / wall),
                "ws_per_cpu_s": round(events / cpu),
                "main_per_cpu_s": round(events / main_cpu),
                "ws_us": round(cpu / events * 1e6, 1),
                "main_us": round(main_cpu / events * 1e6, 1),
                "ack_ms_median": round(sorted(waits)[len(waits) // 2] * 1000, 2) if waits else None,
            }
        )
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--main"]:
        asyncio.run(main_side(sys.argv[2]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            count = int(sys.argv[1]) if len(sys.argv) > 1 else 500_000
            asyncio.run(measure(count, float(sys.argv[2]) if len(sys.argv) > 2 else 0.0, folder))
