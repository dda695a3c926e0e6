"""Discord's gateway in the simulation, and the wire that all messages travel over."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nescord_core.gateway.session import facts_and_effects as s
from nescord_core.gateway.session.opcodes import Op

if TYPE_CHECKING:
    from support.dispatch.simulation.world import World

__all__ = ["Discord", "Wire"]


class Wire:
    """One direction of a connection; it preserves order."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.last = 0.0
        self.is_open = True

    def send(self, deliver: Callable[..., None], *what: Any) -> None:
        world = self.world
        self.last = max(self.last, world.now + world.delay())
        world.at(self.last, self._arrive, deliver, what)

    def _arrive(self, deliver: Callable[..., None], what: tuple[Any, ...]) -> None:
        if self.is_open:
            deliver(*what)


class Discord:
    """Sends numbered events of several guilds; keeps a session's last events for a RESUME.

    Those that it sends while nobody is connected come on top: how many there are depends on how long ws is
    gone, not on its rules.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.session = ""
        self.log: dict[str, list[tuple[int, str, int, int]]] = {}
        self.numbers: Counter[int] = Counter()
        self.wire: Wire | None = None
        self.invalid = False
        self.identifies = 0
        self.unheard: set[int] = set()

    def publish(self) -> None:
        world = self.world
        if self.session:
            guild = world.chance.randint(1, world.guilds)
            self.numbers[guild] += 1
            self._append("MESSAGE", guild, self.numbers[guild])
            world.left -= 1
        if world.left > 0:
            world.after(world.chance.expovariate(400), self.publish)

    def _append(self, kind: str, guild: int, number: int) -> None:
        log = self.log[self.session]
        log.append((len(log) + 1, kind, guild, number))
        if self.wire is not None:
            self._dispatch(*log[-1])
        else:
            self.unheard.add(len(log))

    def _dispatch(self, seq: int, kind: str, guild: int, number: int, d: bytes = b"") -> None:
        assert self.wire is not None
        self.wire.send(self.world.ws_frame, seq, kind, guild, number, d)

    def identify(self, wire: Wire) -> None:
        self.identifies += 1
        self.session, self.wire, self.invalid = f"s{self.identifies}", wire, False
        self.log[self.session] = [(1, "READY", 0, 0)]
        self.unheard.clear()
        ready = {
            "session_id": self.session,
            "resume_gateway_url": "ws://resume",
            "application": {"id": "1"},
            "user": {"id": "1"},
        }
        self._dispatch(1, "READY", 0, 0, json.dumps(ready).encode())

    def resume(self, wire: Wire, session: str, seq: int) -> None:
        missed = len(set(range(seq + 1, len(self.log[session]) + 1)) - self.unheard)
        if missed > self.world.replayed:
            self.world.problems.append(f"a RESUME asks for {missed} events of {self.world.replayed}")
        if self.invalid or session != self.session:
            self.invalid = False
            wire.send(self.world.ws_control, s.Frame(Op.INVALID_SESSION, d=b"false"))
            return
        self.wire = wire
        for event in self.log[session][seq:]:
            if event[1] != "RESUMED":  # it concerns one connection, so the next one does not replay it
                self._dispatch(*event)
        self._append("RESUMED", 0, 0)
