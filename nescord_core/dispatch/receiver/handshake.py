"""Main's side of the handshake: the secret, Hello, and the protocol version."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from typing import NoReturn, TypeAlias

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from nescord_core._version import __version__
from nescord_core.dispatch.protocol.bounds import hello_problem
from nescord_core.dispatch.protocol.endpoint import PROTOCOL, SECRET_KEY
from nescord_core.errors import ProtocolMismatch
from nescord_core.process.safe_text import printable
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

__all__ = ["Context", "MalformedMessage", "check_secret", "parse", "read_hello", "refuse"]

log = logging.getLogger(__name__)

HELLO_TIMEOUT = 10.0
"""Seconds until a stream without a Hello is refused."""

_LOG_INTERVAL = 60.0

Context: TypeAlias = grpc.aio.ServicerContext[pb.FromWs, pb.FromMain]


class MalformedMessage:
    """Replaces a message that cannot be parsed."""


def parse(data: bytes) -> pb.FromWs | MalformedMessage:
    """Parse a message. It never raises, as gRPC would print a traceback for anything a stranger sends."""
    try:
        return pb.FromWs.FromString(data)
    except DecodeError:
        return MalformedMessage()


async def refuse(context: Context, why: str) -> NoReturn:
    """Abort a call that violates the protocol, with one line in the log."""
    log.warning("closed the stream from %s: it %s", context.peer(), why)
    await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"This stream {why}.")


async def check_secret(context: Context, secret: str | None) -> None:
    """Abort with UNAUTHENTICATED unless the metadata has the secret; None requires none."""
    if not secret:
        return
    given = next((value for key, value in context.invocation_metadata() or () if key == SECRET_KEY), "")
    given = given.encode() if isinstance(given, str) else given
    if not hmac.compare_digest(given, secret.encode()):
        _log_refusal(context.peer())
        await context.abort(
            grpc.StatusCode.UNAUTHENTICATED,
            "main rejected the secret: set NESCORD_SECRET to the same value on both sides.",
        )


class _Refusals:
    """Callers with a wrong secret, of which the log has one line a minute."""

    logged_at = float("-inf")
    count = 0


def _log_refusal(peer: str) -> None:
    _Refusals.count += 1
    now = time.monotonic()
    if now - _Refusals.logged_at >= _LOG_INTERVAL:
        _Refusals.logged_at = now
        log.warning(
            "refused a stream from %s: the secret is wrong or missing (%d so far)", peer, _Refusals.count
        )


async def read_hello(context: Context) -> pb.Hello:
    """Return the Hello that starts a stream.

    Aborts with INVALID_ARGUMENT if the stream starts with anything else, and with FAILED_PRECONDITION, naming
    both versions, if ws speaks another protocol version.
    """
    try:
        async with asyncio.timeout(HELLO_TIMEOUT):
            first = await context.read()
    except TimeoutError:
        await refuse(context, f"sent no Hello within {HELLO_TIMEOUT:g} s")
    if not isinstance(first, pb.FromWs) or first.WhichOneof("kind") != "hello":
        await refuse(context, "did not start with Hello")
    assert isinstance(first, pb.FromWs)
    hello = first.hello
    if hello.protocol != PROTOCOL:
        log.error(
            "%s", ProtocolMismatch(ours=PROTOCOL, theirs=hello.protocol, peer=f"ws at {context.peer()}")
        )
        await context.abort(
            grpc.StatusCode.FAILED_PRECONDITION,
            f"main speaks nescord protocol {PROTOCOL} (version {__version__}),"
            f" ws speaks {hello.protocol} (version {printable(hello.version or 'unknown', 40)}).",
        )
    if (problem := hello_problem(hello)) is not None:
        await refuse(context, problem)
    return hello
