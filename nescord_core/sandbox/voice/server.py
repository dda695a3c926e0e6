"""Runs the voice server: a websocket for each call, and one UDP socket for all sound.

It has a port of its own, because clients open ``wss://ENDPOINT/``, and the main port has the page there.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, cast

from aiohttp import web

from nescord_core.sandbox.request_guard import local_only
from nescord_core.sandbox.voice.calls import Call, Calls
from nescord_core.sandbox.voice.connection import VoiceConnection
from nescord_core.sandbox.voice.connection_rules import Server, VoiceRules
from nescord_core.sandbox.voice.packets import discovery_answer, ssrc_of_sound
from nescord_core.sandbox.voice.protocol import VoiceClose, VoiceCloseCode

__all__ = ["VoiceServer"]

MAX_MESSAGE = 64 << 10
MAX_CONNECTIONS = 256
LEAVE_DELAY = 1.0
"""Seconds until the connection of a bot that is in no channel any more is closed."""
STOP_TIMEOUT = 1.0
KEY_BYTES = 32
Publish = Callable[[str, Mapping[str, Any], int], None]


class VoiceServer:
    """Takes the bot's sound. ``publish`` sends the bot an event.

    ``on_speaking`` is called when the bot connects, and when it starts or stops speaking.
    """

    def __init__(self, user_id: int, *, now: Callable[[], float], publish: Publish) -> None:
        self.calls = Calls(lambda: secrets.token_hex(16))
        self.endpoint = ""
        self.on_speaking: Callable[[Call], None] = lambda _call: None
        self._user_id = user_id
        self._now = now
        self._publish = publish
        self._connections: dict[int, VoiceConnection] = {}
        self._next_id = 0
        self._sound = _Sound(self.calls)
        self._server = Server("", 0, lambda: list(secrets.token_bytes(KEY_BYTES)))

    @contextlib.asynccontextmanager
    async def running(self, host: str) -> AsyncIterator[None]:
        """Serve on free ports of this address for as long as the block runs."""
        address = "127.0.0.1" if host == "localhost" else str(ipaddress.ip_address(host.strip("[]")))
        app = web.Application(middlewares=[local_only])
        app.router.add_get("/", self._connect)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_TIMEOUT)
        await runner.setup()
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self._sound, local_addr=(address, 0)
        )
        try:
            await web.TCPSite(runner, address, 0).start()
            port = runner.addresses[0][1]
            self.endpoint = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
            udp_port = transport.get_extra_info("sockname")[1]
            self._server = Server(address, udp_port, self._server.make_key)
            yield
        finally:
            transport.close()
            await runner.cleanup()

    def on_event(
        self, event: str, payload: Mapping[str, Any], guild_id: int, _key: int | None = None
    ) -> None:
        """Follow the bot's voice state; a listener of the world."""
        if event == "GUILD_DELETE":
            self._hang_up(self.calls.leave(guild_id))
        if event != "VOICE_STATE_UPDATE" or str(payload.get("user_id")) != str(self._user_id):
            return
        ended, begun = self.calls.on_voice_state(payload)
        if begun is not None:
            update = {"token": begun.token, "guild_id": str(guild_id), "endpoint": self.endpoint}
            self._publish("VOICE_SERVER_UPDATE", update, guild_id)
        self._hang_up(ended, LEAVE_DELAY if begun is None else 0.0)

    def _hang_up(self, call: Call | None, delay: float = 0.0) -> None:
        """Close the connection of a call that has ended, after the bot has been sent the events.

        A client that leaves closes its connection itself, before Discord's voice servers learn of it. Their
        close code would make discord.py disconnect again, and so leave the channel that it joins next.
        """
        connection = None if call is None else self._connections.get(call.connection or 0)
        if connection is not None:
            close = VoiceClose(VoiceCloseCode.DISCONNECTED, "Disconnected.")
            asyncio.get_running_loop().call_later(delay, connection.close, close)

    def view(self) -> dict[str, Any]:
        """Return the calls, as the control API shows them."""
        shown = ("ssrc", "mode", "speaking", "packets")
        calls = [
            {
                "guild_id": str(each.guild_id),
                "channel_id": str(each.channel_id),
                "connected": each.connection is not None,
                **{name: getattr(each, name) for name in shown},
                "bytes": each.size,
            }
            for each in self.calls.by_guild.values()
        ]
        return {"endpoint": self.endpoint, "calls": calls, "stray_packets": self.calls.stray_packets}

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        if len(self._connections) >= MAX_CONNECTIONS:
            raise web.HTTPServiceUnavailable(text="The voice server has too many connections.")
        ws = web.WebSocketResponse(timeout=STOP_TIMEOUT, max_msg_size=MAX_MESSAGE)
        await ws.prepare(request)
        self._next_id += 1
        version = request.query.get("v", "")
        rules = VoiceRules(
            self.calls,
            self._server,
            connection_id=self._next_id,
            user_id=self._user_id,
            version=int(version) if version.isdecimal() and len(version) < 3 else 0,
            now=self._now(),
        )
        connection = VoiceConnection(
            rules,
            ws,
            now=self._now,
            on_change=self._on_change,
            repeat_discovery=self._sound.repeat_discovery,
        )
        self._connections[rules.id] = connection
        try:
            await connection.run()
        finally:
            del self._connections[rules.id]
        return ws

    def _on_change(self, connection: VoiceConnection, call: Call) -> None:
        """Tell of who speaks, and close an earlier connection of the call, which a new one replaces."""
        self.on_speaking(call)
        for other in self._connections.values():
            if (
                other.rules.call is call
                and other is not connection
                and call.connection == connection.rules.id
            ):
                other.close(VoiceClose(VoiceCloseCode.SESSION_INVALID, "Connected again elsewhere."))


class _Sound(asyncio.DatagramProtocol):
    """Answers IP discovery, and counts and drops everything else."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Python 3.11's datagram transports are not of the class that describes them.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: tuple[str | Any, int]) -> None:
        answer = discovery_answer(data, address[0], address[1])
        if answer is None:
            self._calls.count(ssrc_of_sound(data), len(data))
        elif (call := self._calls.by_ssrc.get(answer[0])) is not None:
            call.discovery = (answer[1], address)
            self.repeat_discovery(call)

    def repeat_discovery(self, call: Call) -> None:
        """Send the answer to a call's IP discovery, if there has been one."""
        if call.discovery is not None and self._transport is not None:
            self._transport.sendto(*call.discovery)
