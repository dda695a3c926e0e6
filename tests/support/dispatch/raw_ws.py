"""A ws process from main's point of view: speaks the protocol by hand and records the replies."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

import grpc.aio

from nescord_core.dispatch.protocol.endpoint import METHOD, PROTOCOL, open_channel
from nescord_core.settings import SecuritySettings
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

__all__ = ["WsPeer", "until"]


async def until(condition: Callable[[], Any], *, timeout: float = 20.0) -> None:
    async with asyncio.timeout(timeout):
        while not condition():  # noqa: ASYNC110 - polls state that has no event
            await asyncio.sleep(0.005)


class WsPeer:
    """One stream to main, for shards 0 and 1 of 2, with one session.

    With a ``lease``, main renews it; ``asked`` has the request numbers, and `renew` grants one.
    """

    def __init__(
        self, port: int, *, session: str = "session-1", lease: float = 0.0, address: str = ""
    ) -> None:
        self.asked: list[int] = []
        self._lease = lease
        self._address = address
        self.ready: pb.Ready | None = None
        self.acked: list[int] = []
        self.returned: list[int] = []
        self.returned_started: list[int] = []
        self.commands: list[pb.GatewayCommand] = []
        self.drained = asyncio.Event()
        self.ended = asyncio.Event()
        self.on_command: Callable[[pb.GatewayCommand], Iterable[pb.FromWs]] = lambda command: []
        self._port = port
        self._session = session
        self._last = 0
        self._tasks = asyncio.TaskGroup()
        self._outgoing: asyncio.Queue[pb.FromWs | None] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._channel = open_channel(f"127.0.0.1:{self._port}", SecuritySettings(), keepalive=10)
        self._call = self._channel.stream_stream(
            METHOD,
            request_serializer=pb.FromWs.SerializeToString,
            response_deserializer=pb.FromMain.FromString,
        )(self._requests())
        hello = pb.Hello(
            protocol=PROTOCOL,
            cluster="c",
            shard_ids=[0, 1],
            shard_count=2,
            lease=self._lease,
            address=self._address,
        )
        self._outgoing.put_nowait(pb.FromWs(hello=hello))
        first = await self._call.read()
        assert isinstance(first, pb.FromMain), first
        self.ready = first.ready
        self._reading = self._tasks.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._outgoing.put_nowait(None)
        self._call.cancel()
        await self._channel.close()
        self._reading.cancel()
        await self._tasks.__aexit__(None, None, None)

    async def _requests(self) -> Any:
        while (message := await self._outgoing.get()) is not None:
            yield message

    def renew(self, number: int) -> None:
        """Grant a renewal."""
        self._outgoing.put_nowait(pb.FromWs(renewed=pb.Renewed(id=number)))

    def event(
        self, type_: str, data: Any = None, *, key: int = 1, redelivered: bool = False, **more: Any
    ) -> int:
        """Send one event; return its delivery number, which is also its seq."""
        return self.events([(type_, data if data is not None else {}, key)], redelivered=redelivered, **more)[
            -1
        ]

    def events(
        self, rows: list[tuple[str, Any, int]], *, redelivered: bool = False, received_at: float | None = None
    ) -> list[int]:
        """Send a batch; return the delivery numbers."""
        first = self._last + 1
        self._last += len(rows)
        batch = pb.EventBatch(
            first_delivery=first,
            sessions=[pb.Session(index=0, shard_id=0, session_id=self._session)] if first == 1 else [],
            session=[0] * len(rows),
            seq=range(first, first + len(rows)),
            type=[row[0] for row in rows],
            key=[row[2] for row in rows],
            guild_id=[row[2] for row in rows],
            received_at=[time.time() if received_at is None else received_at] * len(rows),
            data=[json.dumps(row[1]).encode() for row in rows],
            redelivered=range(len(rows)) if redelivered else [],
        )
        self._outgoing.put_nowait(pb.FromWs(events=batch))
        return list(range(first, first + len(rows)))

    async def _read(self) -> None:
        try:
            while isinstance(message := await self._call.read(), pb.FromMain):
                self._take(message)
        except (grpc.aio.AioRpcError, asyncio.CancelledError):
            pass
        finally:
            self.ended.set()

    def _take(self, message: pb.FromMain) -> None:
        match message.WhichOneof("kind"):
            case "ack":
                self.acked += _numbers(message.ack.deliveries)
            case "renew":
                self.asked.append(message.renew.id)
            case "drain":
                self.drained.set()
                self._outgoing.put_nowait(pb.FromWs(drained=pb.Drained()))
            case "command":
                self.commands.append(message.command)
                result = pb.FromWs(command_result=pb.CommandResult(id=message.command.id))
                for reply in [result, *self.on_command(message.command)]:
                    self._outgoing.put_nowait(reply)
            case "handed_back":
                self.returned += _numbers(message.handed_back.deliveries)
                self.returned_started += _numbers(message.handed_back.started)


def _numbers(ranges: Iterable[pb.Range]) -> list[int]:
    return [number for each in ranges for number in range(each.first, each.last + 1)]
