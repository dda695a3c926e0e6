"""Sends main's gateway commands to a ws process that has the shard."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from nescord_core.dispatch.receiver.stream import IncomingState, IncomingStream, StreamLostError
from nescord_core.errors import GatewayCommandError
from nescord_core.snowflake import shard_of

__all__ = ["Commands"]


class Commands:
    """Sends commands over any open stream of ``streams``; ``changed`` is set when those change."""

    def __init__(self, streams: Collection[IncomingStream], changed: asyncio.Event) -> None:
        self._streams = streams
        self._changed = changed

    async def send(
        self,
        *,
        shard_id: int | None,
        guild_id: int | None,
        op: int,
        data: bytes,
        deadline: float,
    ) -> None:
        """Send a gateway command on the shard, on the guild's shard, or on all shards if neither is given.

        ``data`` is the JSON of the payload's ``d``; ``deadline`` is in seconds from now. It waits for a ws
        process that has the shard, and resends when a stream breaks before the result is known, as each of
        Discord's commands may be repeated. Raises GatewayCommandError.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + deadline
        try:
            async with asyncio.timeout(deadline):
                while True:
                    streams = await self._streams_for(shard_id, guild_id)
                    try:
                        await self._send_on(streams, shard_id, guild_id, op, data, until - loop.time())
                        return
                    except StreamLostError:
                        continue
        except TimeoutError:
            where = "any shard" if shard_id is None and guild_id is None else _target(shard_id, guild_id)
            raise GatewayCommandError(
                f"The gateway command (opcode {op}) for {where} was not sent within {deadline:g} s.",
                hint="Check that ws is running and connected to this main (nescord status).",
            ) from None

    async def _send_on(
        self,
        streams: list[IncomingStream],
        shard_id: int | None,
        guild_id: int | None,
        op: int,
        data: bytes,
        remaining: float,
    ) -> None:
        results = await asyncio.gather(
            *(
                stream.command(_shard_on(stream, shard_id, guild_id), op, data, remaining)
                for stream in streams
            ),
            return_exceptions=True,
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _streams_for(self, shard_id: int | None, guild_id: int | None) -> list[IncomingStream]:
        while True:
            found = [
                stream
                for stream in self._streams
                if stream.state in {IncomingState.OPEN, IncomingState.DRAINING}
                and ((shard := _shard_on(stream, shard_id, guild_id)) < 0 or shard in stream.shard_ids)
            ]
            if found:
                return found if shard_id is None and guild_id is None else found[-1:]
            self._changed.clear()
            await self._changed.wait()


def _shard_on(stream: IncomingStream, shard_id: int | None, guild_id: int | None) -> int:
    """Return the shard that a command on that stream is for, -1 for all."""
    if shard_id is not None:
        return shard_id
    return -1 if guild_id is None else shard_of(guild_id, stream.shard_count)


def _target(shard_id: int | None, guild_id: int | None) -> str:
    return f"shard {shard_id}" if shard_id is not None else f"guild {guild_id}"
