"""Opens a stream to a replica of main, up to its Ready."""

from __future__ import annotations

import asyncio
from typing import TypeAlias

import grpc
import grpc.aio

from nescord_core.dispatch.protocol.bounds import ready_problem
from nescord_core.dispatch.protocol.endpoint import METHOD, PROTOCOL, SECRET_KEY, open_channel
from nescord_core.errors import NescordError, ProtocolMismatch, TransportError
from nescord_core.process.safe_text import printable
from nescord_core.settings import WsSettings
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

__all__ = ["Call", "dial"]

Call: TypeAlias = grpc.aio.StreamStreamCall[pb.FromWs, pb.FromMain]


async def dial(
    address: str, settings: WsSettings, hello: pb.Hello
) -> tuple[grpc.aio.Channel, Call, pb.Ready]:
    """Open a stream to a replica on a connection of its own, and wait for its Ready.

    Raises TransportError, or ProtocolMismatch if the replica speaks another version.
    """
    channel = open_channel(
        address, settings.security, keepalive=settings.keepalive, message_mb=settings.message_mb
    )
    try:
        secret = settings.security.secret
        call: Call = channel.stream_stream(
            METHOD,
            request_serializer=_serialize,
            response_deserializer=pb.FromMain.FromString,
        )(metadata=((SECRET_KEY, secret),) if secret else None)
        async with asyncio.timeout(settings.connect_timeout):
            await call.write(pb.FromWs(hello=hello))
            return channel, call, _check_ready(await call.read(), address)
    except BaseException as error:
        await channel.close()
        translated = _translate(error, address)
        if translated is None:
            raise
        raise translated from error


def _serialize(message: pb.FromWs) -> bytes:
    return message.SerializeToString()


def _check_ready(first: object, address: str) -> pb.Ready:
    if not isinstance(first, pb.FromMain) or first.WhichOneof("kind") != "ready":
        raise TransportError(f"The server at {address} is not nescord's main.", hint="Check ws.grpc_host.")
    if first.ready.protocol != PROTOCOL:
        raise ProtocolMismatch(ours=PROTOCOL, theirs=first.ready.protocol, peer=f"main at {address}")
    if (problem := ready_problem(first.ready)) is not None:
        raise TransportError(f"The server at {address} {problem}.", hint="Check ws.grpc_host.")
    return first.ready


def _translate(error: BaseException, address: str) -> NescordError | None:
    match error:
        case grpc.aio.AioRpcError():
            return _rejection(error, address)
        case TimeoutError():
            return TransportError(f"main at {address} does not respond.")
        case asyncio.InvalidStateError() | grpc.aio.UsageError():
            return TransportError(f"main at {address} closed the stream.")
    return None


def _rejection(error: grpc.aio.AioRpcError, address: str) -> NescordError:
    match error.code():
        case grpc.StatusCode.UNAVAILABLE:
            return TransportError(f"main at {address} is not available yet.")
        case grpc.StatusCode.UNIMPLEMENTED:
            return TransportError(
                f"The server at {address} is not nescord's main.", hint="Check ws.grpc_host."
            )
    return TransportError(f"main at {address} rejected this ws: {printable(error.details() or '', 500)}")
