"""Enforces the send limit of a connection: 120 payloads in 60 s, of at most 4096 bytes each.

https://discord.com/developers/docs/events/gateway#rate-limiting
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import msgspec

from nescord_core.errors import GatewayCommandError
from nescord_core.gateway.session.opcodes import COMMANDS, MAX_PAYLOAD, Op

__all__ = ["Command", "CommandQueue", "SendWindow", "command_payload"]


_STALE = 100
"""Deadlines of commands that no longer wait, which are kept besides as many as wait."""


class SendWindow:
    """A sliding window over the sends of one connection; ``reserve`` is kept for heartbeats and RESUME."""

    LIMIT = 120
    PERIOD = 60.0

    def __init__(self, reserve: int = 8) -> None:
        self._reserve = reserve
        self._sent: deque[float] = deque()

    def record(self, now: float) -> None:
        """Count a send of any kind."""
        self._expire(now)
        self._sent.append(now)

    def free_at(self, now: float) -> float:
        """Return when the next command may be sent: ``now`` or later."""
        self._expire(now)
        over = len(self._sent) - (self.LIMIT - self._reserve)
        return now if over < 0 else self._sent[over] + self.PERIOD

    def _expire(self, now: float) -> None:
        while self._sent and self._sent[0] + self.PERIOD <= now:
            self._sent.popleft()


@dataclass(frozen=True, slots=True)
class Command:
    """A payload to send; ``deadline`` is on the caller's clock, ``ticket`` is chosen by the caller."""

    ticket: int
    op: int
    payload: bytes
    deadline: float


class CommandQueue:
    """Commands in order of arrival. They survive reconnects, up to their deadlines.

    Thousands may wait, and each is put, taken or cancelled without a look at the others.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[int, Command] = OrderedDict()
        self._deadlines: list[tuple[float, int]] = []
        """A heap with an entry for each waiting command, and for some that no longer wait."""
        self._window = SendWindow()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, command: Command) -> None:
        """Append a command."""
        self._waiting[command.ticket] = command
        self._note(command)

    def put_back(self, command: Command) -> None:
        """Requeue a command at the front, after its connection broke."""
        self._waiting[command.ticket] = command
        self._waiting.move_to_end(command.ticket, last=False)
        self._note(command)

    def cancel(self, ticket: int) -> None:
        """Drop a command whose caller has given up."""
        self._waiting.pop(ticket, None)

    def _note(self, command: Command) -> None:
        heappush(self._deadlines, (command.deadline, command.ticket))
        if len(self._deadlines) > 2 * len(self._waiting) + _STALE:
            self._deadlines = [(each.deadline, each.ticket) for each in self._waiting.values()]
            heapify(self._deadlines)

    def new_connection(self) -> None:
        """Restart the count: the limit is per connection."""
        self._window = SendWindow()

    def sent(self, now: float) -> None:
        """Count a payload of the session itself (heartbeat, IDENTIFY, RESUME)."""
        self._window.record(now)

    def expire(self, now: float) -> list[Command]:
        """Remove and return the commands whose deadline has passed."""
        late: list[Command] = []
        while self._deadlines and self._deadlines[0][0] <= now:
            command = self._waiting.pop(heappop(self._deadlines)[1], None)
            if command is not None:
                late.append(command)
        return late

    def take(self, now: float) -> list[Command]:
        """Remove, count and return the commands that may be sent now."""
        ready: list[Command] = []
        while self._waiting and self._window.free_at(now) <= now:
            self._window.record(now)
            ready.append(self._waiting.popitem(last=False)[1])
        return ready

    def next_at(self, now: float, *, connected: bool) -> float | None:
        """Return when to check again: a command may be sent, or a deadline passes."""
        if not self._waiting:
            return None
        while self._deadlines[0][1] not in self._waiting:
            heappop(self._deadlines)
        deadline = self._deadlines[0][0]
        return min(deadline, self._window.free_at(now)) if connected else deadline


def command_payload(op: int, data: bytes) -> bytes:
    """Wrap a command's ``d`` (raw JSON). Raises GatewayCommandError if Discord would close us for it."""
    if op not in COMMANDS:
        names = ", ".join(f"{c.value} ({c.name.lower()})" for c in sorted(COMMANDS))
        raise GatewayCommandError(f"A bot may not send opcode {op}.", hint=f"Commands are {names}.")
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise GatewayCommandError(f"The data of a gateway command is not JSON: {error}.") from error
    payload = b'{"op":%d,"d":%s}' % (op, data)
    if len(payload) > MAX_PAYLOAD:
        raise GatewayCommandError(
            f"A {Op(op).name.lower()} command of {len(payload)} bytes is larger than Discord accepts"
            f" ({MAX_PAYLOAD}).",
            hint="Split it, for instance into fewer user_ids per request.",
        )
    return payload
