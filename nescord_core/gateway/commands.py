"""Queues gateway commands and reports the outcome of each to its caller."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count

from nescord_core.errors import GatewayCommandError
from nescord_core.gateway.session.send_limit import Command, CommandQueue, command_payload

__all__ = ["PendingCommands"]


class PendingCommands:
    """The pending commands of one shard. They wait for a connection and the send limit, up to a deadline."""

    def __init__(self, shard_id: int, *, clock: Callable[[], float], wake: Callable[[], None]) -> None:
        self._shard_id = shard_id
        self._clock = clock
        self._wake = wake
        self._tickets = count(1)
        self._callers: dict[int, asyncio.Future[None]] = {}
        self._closed = False
        self.queue = CommandQueue()

    async def submit(self, op: int, data: bytes, deadline: float) -> None:
        """Return once it is sent, within ``deadline`` seconds. Raises GatewayCommandError."""
        payload = command_payload(op, data)
        if self._closed:
            raise GatewayCommandError(f"Shard {self._shard_id} is stopped and accepts no more commands.")
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
        """Resolve the caller's wait."""
        caller = self._callers.get(command.ticket)
        if caller is not None and not caller.done():
            caller.set_result(None)

    def put_back(self, command: Command) -> None:
        """Requeue a command that its connection never sent, unless its caller has given up."""
        if command.ticket in self._callers:
            self.queue.put_back(command)

    def expire(self, now: float) -> None:
        """Fail the commands whose deadline has passed."""
        for command in self.queue.expire(now):
            why = (
                f"Shard {self._shard_id} could not send a command (opcode {command.op}) before its deadline."
            )
            self._fail(command.ticket, why, "The shard was not connected, or had sent 120 payloads in 60 s.")

    def close(self) -> None:
        """Fail every pending command: the shard is stopped."""
        self._closed = True
        for ticket in list(self._callers):
            self._fail(ticket, f"Shard {self._shard_id} was stopped before the command was sent.", "")

    def _fail(self, ticket: int, message: str, hint: str) -> None:
        caller = self._callers.get(ticket)
        if caller is not None and not caller.done():
            caller.set_exception(GatewayCommandError(message, hint=hint))
