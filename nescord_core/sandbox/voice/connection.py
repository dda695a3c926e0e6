"""One voice connection: passes payloads to the rules and applies their effects."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable

import msgspec
from aiohttp import WSMsgType, web

from nescord_core.sandbox.voice.calls import Call
from nescord_core.sandbox.voice.connection_rules import Effect, Phase, RepeatDiscovery, Send, VoiceRules
from nescord_core.sandbox.voice.protocol import IGNORED, VoiceClose, decode

__all__ = ["VoiceConnection"]

log = logging.getLogger(__name__)

MAX_QUEUED = 16
"""Messages that may wait for the rules; the socket is not read meanwhile."""


class VoiceConnection:
    """Runs one connection. ``on_change`` is called with its call when that changes."""

    def __init__(
        self,
        rules: VoiceRules,
        ws: web.WebSocketResponse,
        *,
        now: Callable[[], float],
        on_change: Callable[[VoiceConnection, Call], None],
        repeat_discovery: Callable[[Call], None],
    ) -> None:
        self.rules = rules
        self._ws = ws
        self._now = now
        self._on_change = on_change
        self._repeat_discovery = repeat_discovery
        self._inbox: asyncio.Queue[str | bytes | VoiceClose | None] = asyncio.Queue(MAX_QUEUED)

    def close(self, close: VoiceClose) -> None:
        """Close the connection; what waits to be handled is dropped."""
        while not self._inbox.empty():
            self._inbox.get_nowait()
        self._inbox.put_nowait(close)

    async def run(self) -> None:
        """Serve the client until one of both closes."""
        async with asyncio.TaskGroup() as group:
            self._reading = group.create_task(self._read())
            try:
                await self._serve()
            finally:
                self._reading.cancel()
                self._changing(self.rules.closed)

    async def _read(self) -> None:
        async for message in self._ws:
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                await self._inbox.put(message.data)
        await self._inbox.put(None)

    async def _serve(self) -> None:
        await self._apply(self.rules.opened())
        while self.rules.phase is not Phase.CLOSED:
            try:
                async with asyncio.timeout(self.rules.deadline - self._now()):
                    message = await self._inbox.get()
            except TimeoutError:
                message = self.rules.timed_out()
            if message is None:
                return
            await self._apply([message] if isinstance(message, VoiceClose) else self._received(message))

    def _received(self, data: str | bytes) -> list[Effect]:
        if isinstance(data, bytes) and data[:1] and data[0] in IGNORED:
            return []  # a binary payload of end-to-end encryption
        command = decode(data)
        if isinstance(command, VoiceClose):
            return [command]
        effects: list[Effect] = []
        self._changing(lambda: effects.extend(self.rules.receive(command, self._now())))
        return effects

    def _changing(self, change: Callable[[], None]) -> None:
        """Make a change, and tell of the call if it is another one or its speaking has changed."""
        call = self.rules.call
        before = call is not None and call.speaking
        change()
        now = self.rules.call
        if now is not None and (now is not call or now.speaking != before):
            self._on_change(self, now)

    async def _apply(self, effects: Iterable[Effect]) -> None:
        with contextlib.suppress(ConnectionError):
            for effect in effects:
                match effect:
                    case Send(payload):
                        await self._ws.send_str(msgspec.json.encode(payload).decode())
                    case RepeatDiscovery(call):
                        self._repeat_discovery(call)
                    case VoiceClose(code, reason):
                        log.info("voice connection closed with %d: %s", code, reason)
                        self._changing(self.rules.closed)
                        await self._close(code, reason)

    async def _close(self, code: int, reason: str) -> None:
        # While another task reads, aiohttp waits for no close frame of the client, which then sees code 1006.
        self._reading.cancel()
        await asyncio.wait([self._reading])
        await self._ws.close(code=code, message=reason.encode())
