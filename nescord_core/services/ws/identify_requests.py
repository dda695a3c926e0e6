"""One queue of IDENTIFYs for all clusters of a host: asked for in the cluster, granted in the parent.

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
    """The cluster's side: an IdentifyGate that asks the parent. ``send`` puts a message on the channel.

    ``others_connected`` is what the parent said when it refused: while any shard of the host is connected,
    the refused one waits for tomorrow rather than ending everything.
    """

    def __init__(self, send: Callable[[AskIdentify | CancelIdentify | Identified], None]) -> None:
        self._send = send
        self._tickets = count(1)
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self.others_connected = False

    async def acquire(self, shard_id: int) -> None:
        """Wait for this shard's turn. Cancelling gives the place back. Raises IdentifyBudgetSpent."""
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
        # Said when the shard has had its turn of the loop: the next window counts from there.
        loop.call_soon(lambda: self._send(Identified(shard_id, time.monotonic())))

    def answered(self, message: Granted | Refused) -> None:
        """Pass the parent's answer on to the shard that waits for it."""
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
    """The parent's side, one for each cluster process: it stands in the queue for those that ask.

    ``tasks`` are the process's own, and ``leave`` gives back every place when the process has ended.
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
        self._asked: dict[int, asyncio.Task[None]] = {}

    def heard(self, message: AskIdentify | CancelIdentify | Identified) -> None:
        """Take what the cluster says."""
        match message:
            case AskIdentify(ticket, shard_id):
                task = self._asked[ticket] = self._tasks.create_task(self._answer_for(ticket, shard_id))
                task.add_done_callback(lambda _: self._asked.pop(ticket, None))
            case CancelIdentify(ticket) if ticket in self._asked:
                self._asked[ticket].cancel()
            case Identified(shard_id, at):
                self._gate.used(shard_id, at)
                self._tasks.create_task(self._gate.tell_hosts(shard_id))

    def leave(self) -> None:
        """Ask for nobody any more."""
        for task in self._asked.values():
            task.cancel()

    async def _answer_for(self, ticket: int, shard_id: int) -> None:
        try:
            await self._gate.acquire(shard_id)
        except IdentifyBudgetSpent as error:
            told = (error.remaining, error.needed, error.reserve, error.reset_after)
            self._send(Refused(ticket, *told, self._others_connected()))
        else:
            self._send(Granted(ticket))
