"""Takes gateway commands from callers and tells each what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count

from nescord_core.errors import GatewayCommandError
from nescord_core.gateway.session.send_limit import Command, CommandQueue, command_payload

__all__ = ["PendingCommands"]


class PendingCommands:
    """The commands of one shard: they wait for a connection and for the send limit, but not for ever."""

    def __init__(self, shard_id: int, *, clock: Callable[[], float], wake: Callable[[], None]) -> None:
        self._shard_id = shard_id
        self._clock = clock
        self._wake = wake
        self._tickets = count(1)
        self._callers: dict[int, asyncio.Future[None]] = {}
        self._closed = False
        self.queue = CommandQueue()

    async def submit(self, op: int, data: bytes, deadline: float) -> None:
        """Return once it is sent; ``deadline`` is in seconds from now. Raises GatewayCommandError."""
        payload = command_payload(op, data)
        if self._closed:
            raise GatewayCommandError(f"Shard {self._shard_id} is stopped and sends no more commands.")
        ticket = next(self._tickets)
        sent = self._callers[ticket] = asyncio.get_running_loop().create_future()
        self.queue.put(Command(ticket, op, payload, self._clock() + deadline))
        self._wake()
        try:
            await sent
        finally:
            del self._callers[ticket]
            self.queue.cancel(ticket)

    def sent(self, command: Command) -> None:
        """Tell the caller that it went out."""
        caller = self._callers.get(command.ticket)
        if caller is not None and not caller.done():
            caller.set_result(None)

    def put_back(self, command: Command) -> None:
        """Take back one that its connection never sent, unless nobody waits for it any more."""
        if command.ticket in self._callers:
            self.queue.put_back(command)

    def expire(self, now: float) -> None:
        """Tell the callers whose deadlines have passed."""
        for command in self.queue.expire(now):
            why = (
                f"Shard {self._shard_id} could not send a command (opcode {command.op}) before its deadline."
            )
            self._fail(command.ticket, why, "The shard was not connected, or had sent 120 payloads in 60 s.")

    def close(self) -> None:
        """Tell everyone that the shard is stopped."""
        self._closed = True
        for ticket in list(self._callers):
            self._fail(ticket, f"Shard {self._shard_id} was stopped before the command was sent.", "")

    def _fail(self, ticket: int, message: str, hint: str) -> None:
        caller = self._callers.get(ticket)
        if caller is not None and not caller.done():
            caller.set_exception(GatewayCommandError(message, hint=hint))
