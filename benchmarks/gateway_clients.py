"""What ws is measured against, each as a process: discord.py's own client, and the bare pipe.

    python benchmarks/gateway_clients.py discordpy|bare COMPRESS PORT SHARDS EVENTS
    python benchmarks/gateway_clients.py sink                 (the bare pipe's other end)

Prints "ready", and when all events have come, the CPU seconds since they began and the memory in MB.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import msgspec

FIRST = 42
"""The sequence number before the first event: READY and the guilds come before."""


class Payload(msgspec.Struct, gc=False):
    """As much of a message as the bare pipe reads."""

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
    """Say that all is set, measure from the line that says go until ``done()``."""
    print("ready", f"{memory_mb():.1f}", flush=True)
    await wait_for_line()
    before = time.process_time()
    while not done():
        await asyncio.sleep(0.02)
    print(json.dumps({"cpu_s": time.process_time() - before, "mb": memory_mb()}), flush=True)


async def discordpy(compress: str, port: int, shards: int, events: int) -> None:
    """The stock client with a handler that does nothing; nothing about it is patched but the URL."""
    if compress == "zlib-stream":
        sys.modules["zstandard"] = None  # type: ignore[assignment]  # discord.py takes zlib without it
    import discord

    discord.http.Route.BASE = f"http://127.0.0.1:{port}/api/v10"

    class Client(discord.AutoShardedClient):
        async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
            """The server knows no pacing; without it the start takes 5 s a shard."""

        async def on_message(self, message: discord.Message) -> None:
            """Take it."""

    client = Client(intents=discord.Intents.all(), shard_count=None, chunk_guilds_at_startup=False, max_messages=1000)

    def done() -> bool:
        return all(info._parent.ws.sequence >= FIRST - 1 + events for info in client.shards.values())

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


async def bare(compress: str, port: int, shards: int, events: int) -> None:
    """A websocket, inflate, a partial decode, batches of 64 written straight into a stream: no more."""
    import aiohttp
    import grpc.aio

    from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

    decode = msgspec.json.Decoder(Payload).decode
    sink = await asyncio.create_subprocess_exec(sys.executable, __file__, "sink", stdout=asyncio.subprocess.PIPE)
    assert sink.stdout is not None
    address = f"127.0.0.1:{(await sink.stdout.readline()).decode().strip()}"
    channel = grpc.aio.insecure_channel(address)
    seqs = [0] * shards
    acked = 0
    pending: list[tuple[int, str, bytes]] = []
    filled = asyncio.Event()

    async def write(call: Any) -> None:
        while True:
            await filled.wait()
            filled.clear()
            while pending:
                batch = pending[:64]
                del pending[:64]
                seq, kind, data = zip(*batch, strict=True)
                await call.write(pb.FromWs(events=pb.EventBatch(seq=seq, type=kind, data=data)).SerializeToString())
                if len(pending) < 64:
                    await asyncio.sleep(0)

    async def acknowledge(call: Any) -> None:
        nonlocal acked
        async for message in call:
            acked += int.from_bytes(message, "big")

    async def shard(number: int) -> None:
        inflate = inflater(compress)
        async with aiohttp.ClientSession() as http, http.ws_connect(
            f"ws://127.0.0.1:{port}/gateway", max_msg_size=0, compress=0, autoping=False
        ) as socket:
            await socket.send_str(f'{{"op":2,"d":{{"shard":[{number},{shards}]}}}}')
            while True:
                message = await socket.receive()
                payload = decode(inflate(message.data))
                if payload.s is not None:
                    seqs[number] = payload.s
                    pending.append((payload.s, payload.t or "", bytes(payload.d)))
                    filled.set()

    call = channel.stream_stream("/bare/Pipe")()
    async with asyncio.TaskGroup() as tasks:
        for number in range(shards):
            tasks.create_task(shard(number))
        tasks.create_task(write(call))
        tasks.create_task(acknowledge(call))
        while min(seqs) < FIRST - 1:
            await asyncio.sleep(0.05)
        await until_done(lambda: acked >= shards * (FIRST - 1 + events))
        sink.kill()
        os._exit(0)


async def sink() -> None:
    import grpc
    import grpc.aio

    from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

    async def pipe(requests: Any, context: Any) -> Any:
        async for message in requests:
            yield len(pb.FromWs.FromString(message).events.seq).to_bytes(4, "big")

    server = grpc.aio.server()
    handler = grpc.stream_stream_rpc_method_handler(pipe)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bare", {"Pipe": handler}),))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    if sys.argv[1] == "sink":
        asyncio.run(sink())
    else:
        which = {"discordpy": discordpy, "bare": bare}[sys.argv[1]]
        asyncio.run(which(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])))
