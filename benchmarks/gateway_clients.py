"""The clients that ws is compared with, each in a process: discord.py's own client and the bare pipe.

    python benchmarks/gateway_clients.py discordpy|bare COMPRESS PORT SHARDS EVENTS
    python benchmarks/gateway_clients.py sink SHARDS          (the bare pipe's other end)

Prints "ready" and, when all events have arrived, the CPU seconds since they started and the memory in MB. If
BENCH_TIMES is set, the sink writes the arrival times of the first BENCH_EVENTS to that file.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

FIRST = int(os.environ.get("BENCH_GUILDS", "40")) + 2
"""The sequence number of the first event, which follows READY and the guilds."""


class Payload(msgspec.Struct, gc=False):
    """The part of a message that the bare pipe decodes."""

    op: int
    d: msgspec.Raw
    s: int | None = None
    t: str | None = None


def memory_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1_048_576


async def wait_for_line() -> None:
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, sys.stdin.readline)


async def until_done(done: Any) -> None:
    """Print "ready", then measure from a line of input until ``done()``."""
    print("ready", f"{memory_mb():.1f}", flush=True)
    await wait_for_line()
    before = time.process_time()
    while not done():  # noqa: ASYNC110 - polled, so that the measured code needs no event
        await asyncio.sleep(0.02)
    print(json.dumps({"cpu_s": time.process_time() - before, "mb": memory_mb()}), flush=True)


async def discordpy(compress: str, port: int, shards: int, events: int) -> None:
    """Run the stock client with an empty handler; only its URL is patched."""
    if compress == "zlib-stream":
        sys.modules["zstandard"] = None  # type: ignore[assignment]  # without it discord.py uses zlib
    import discord

    discord.http.Route.BASE = f"http://127.0.0.1:{port}/api/v10"

    class Client(discord.AutoShardedClient):
        async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
            """Do not wait: the server has no pacing, and the default takes 5 s per shard."""

        async def on_message(self, message: discord.Message) -> None:
            """Do nothing."""

    client = Client(
        intents=discord.Intents.all(), shard_count=None, chunk_guilds_at_startup=False, max_messages=1000
    )

    def done() -> bool:
        return all((info._parent.ws.sequence or 0) >= FIRST - 1 + events for info in client.shards.values())

    async with client, asyncio.TaskGroup() as tasks:
        await client.login("bench")
        tasks.create_task(client.connect())
        await client.wait_until_ready()
        await until_done(done)
        os._exit(0)


def inflater(compress: str) -> Any:
    if compress == "zlib-stream":
        return zlib.decompressobj().decompress
    import zstandard

    return zstandard.ZstdDecompressor().decompressobj().decompress


class BarePipe:
    """The minimum: a WebSocket, inflate, a partial decode, and batches of 64 written into a gRPC stream."""

    def __init__(self, compress: str, port: int, shards: int) -> None:
        self.compress = compress
        self.port = port
        self.seqs = [0] * shards
        self.acked = 0
        self.pending: list[tuple[int, str, bytes]] = []
        self.filled = asyncio.Event()

    async def write(self, call: Any) -> None:
        from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

        pending = self.pending
        while True:
            await self.filled.wait()
            self.filled.clear()
            while pending:
                batch = pending[:64]
                del pending[:64]
                seq, kind, data = zip(*batch, strict=True)
                events = pb.EventBatch(seq=seq, type=kind, data=data)
                await call.write(pb.FromWs(events=events).SerializeToString())
                if len(pending) < 64:
                    await asyncio.sleep(0)

    async def acknowledge(self, call: Any) -> None:
        async for message in call:
            self.acked += int.from_bytes(message, "big")

    async def shard(self, number: int) -> None:
        import aiohttp

        inflate, decode = inflater(self.compress), msgspec.json.Decoder(Payload).decode
        url = f"ws://127.0.0.1:{self.port}/gateway"
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(url, max_msg_size=0, compress=0, autoping=False) as socket,
        ):
            await socket.send_str(f'{{"op":2,"d":{{"shard":[{number},{len(self.seqs)}]}}}}')
            while True:
                message = await socket.receive()
                payload = decode(inflate(message.data))
                if payload.s is not None:
                    self.seqs[number] = payload.s
                    index = payload.s * len(self.seqs) + number  # identifies the event to the sink
                    self.pending.append((index, payload.t or "", bytes(payload.d)))
                    self.filled.set()


async def bare(compress: str, port: int, shards: int, events: int) -> None:
    """Run the bare pipe and its sink."""
    import grpc.aio

    pipe = BarePipe(compress, port, shards)
    sink = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "sink", str(shards), stdout=asyncio.subprocess.PIPE
    )
    assert sink.stdout is not None
    address = f"127.0.0.1:{(await sink.stdout.readline()).decode().strip()}"
    call: Any = grpc.aio.insecure_channel(address).stream_stream("/bare/Pipe")()
    async with asyncio.TaskGroup() as tasks:
        for number in range(shards):
            tasks.create_task(pipe.shard(number))
        tasks.create_task(pipe.write(call))
        tasks.create_task(pipe.acknowledge(call))
        while min(pipe.seqs) < FIRST - 1:  # noqa: ASYNC110 - polled; an event would cost time
            await asyncio.sleep(0.05)
        await until_done(lambda: pipe.acked >= shards * (FIRST - 1 + events))
        sink.kill()
        os._exit(0)


async def sink(shards: int) -> None:
    import grpc
    import grpc.aio

    from nescord_core.supervisor.parent_death import die_with_parent
    from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

    die_with_parent(os.getppid())  # the parent may be killed during a run

    times, total = os.environ.get("BENCH_TIMES", ""), int(os.environ.get("BENCH_EVENTS", "0"))
    arrivals: list[tuple[float, int]] = []

    def record(indexes: Iterable[int]) -> None:
        now = time.monotonic()
        arrivals.extend((now, index) for index in indexes)
        if len(arrivals) >= total:
            rows = (f"{index % shards} {index // shards} {at}\n" for at, index in arrivals)
            Path(times).write_text("".join(rows))

    async def pipe(requests: Any, context: Any) -> Any:
        async for message in requests:
            indexes = pb.FromWs.FromString(message).events.seq
            if times:
                record(indexes)
            yield len(indexes).to_bytes(4, "big")

    server = grpc.aio.server()
    handler: Any = grpc.stream_stream_rpc_method_handler(pipe)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bare", {"Pipe": handler}),))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    if sys.argv[1] == "sink":
        asyncio.run(sink(int(sys.argv[2])))
    else:
        which = {"discordpy": discordpy, "bare": bare}[sys.argv[1]]
        asyncio.run(which(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])))
