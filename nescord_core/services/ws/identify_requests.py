"""One IDENTIFY queue for all clusters of a host: cluster processes request permits, the parent grants them.

https://discord.com/developers/docs/events/gateway#rate-limiting
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import count

from nescord_core.errors import IdentifyBudgetSpent
from nescord_core.gateway.identify.gate import LocalIdentifyGate
from nescord_core.services.ws.messages import (
    AskIdentify,
    CancelIdentify,
    FromParent,
    Granted,
    Identified,
    Refused,
)

__all__ = ["IdentifyRequests", "RemoteIdentifyGate"]


class RemoteIdentifyGate:
    """The cluster's side: an IdentifyGate that asks the parent. ``send`` sends a message to it.

    ``others_connected`` comes with the parent's refusal: while any shard of the host is connected, a refused
    shard waits for the next day's budget instead of ending the service.
    """

    def __init__(self, send: Callable[[AskIdentify | CancelIdentify | Identified], None]) -> None:
        self._send = send
        self._tickets = count(1)
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self.others_connected = False

    async def acquire(self, shard_id: int) -> None:
        """Wait for this shard's permit; cancelling gives it back. Raises IdentifyBudgetSpent."""
        ticket = next(self._tickets)
        loop = asyncio.get_running_loop()
        answer = self._waiting[ticket] = loop.create_future()
        self._send(AskIdentify(ticket, shard_id))
        try:
            await answer
        except asyncio.CancelledError:
            self._send(CancelIdentify(ticket))
            raise
        finally:
            del self._waiting[ticket]
        # Sent after the shard had its turn of the loop and has identified: the next window starts then.
        loop.call_soon(lambda: self._send(Identified(shard_id, time.monotonic())))

    def answered(self, message: Granted | Refused) -> None:
        """Deliver the parent's answer to the shard that waits for it."""
        answer = self._waiting.get(message.ticket)
        if answer is None or answer.done():
            return
        if isinstance(message, Granted):
            answer.set_result(None)
            return
        self.others_connected = message.others_connected
        answer.set_exception(
            IdentifyBudgetSpent(
                remaining=message.remaining,
                needed=message.needed,
                reserve=message.reserve,
                reset_after=message.reset_after,
            )
        )


class IdentifyRequests:
    """The parent's side, one per cluster process: waits in the queue for the process's shards.

    ``tasks`` is the task group of the process; `cancel_all` gives up every request when it has exited.
    """

    def __init__(
        self,
        gate: LocalIdentifyGate,
        send: Callable[[FromParent], None],
        others_connected: Callable[[], bool],
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._gate = gate
        self._send = send
        self._others_connected = others_connected
        self._tasks = tasks
        self._requests: dict[int, asyncio.Task[None]] = {}

    def handle(self, message: AskIdentify | CancelIdentify | Identified) -> None:
        """Handle a message from the cluster."""
        match message:
            case AskIdentify(ticket, shard_id):
                task = self._requests[ticket] = self._tasks.create_task(self._acquire(ticket, shard_id))
                task.add_done_callback(lambda _: self._requests.pop(ticket, None))
            case CancelIdentify(ticket) if ticket in self._requests:
                self._requests[ticket].cancel()
            case Identified(shard_id, at):
                self._gate.used(shard_id, at)
                self._tasks.create_task(self._gate.tell_hosts(shard_id))

    def cancel_all(self) -> None:
        """Cancel every pending request."""
        for task in self._requests.values():
            task.cancel()

    async def _acquire(self, ticket: int, shard_id: int) -> None:
        try:
            await self._gate.acquire(shard_id)
        except IdentifyBudgetSpent as error:
            budget = (error.remaining, error.needed, error.reserve, error.reset_after)
            self._send(Refused(ticket, *budget, self._others_connected()))
        else:
            self._send(Granted(ticket))
