"""The faults of the simulation, and their timing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nescord_core.gateway.session import facts_and_effects as s
from nescord_core.gateway.session.opcodes import Op
from nescord_core.gateway.session.states import State
from support.dispatch.simulation.main import Main

if TYPE_CHECKING:
    from support.dispatch.simulation.conn import Conn
    from support.dispatch.simulation.world import World

__all__ = ["Trouble"]

_KEEPALIVE = 0.1
"""Minimum seconds of silence after which either side gives up on a stream."""


class Trouble:
    """Injects a random fault into the world on each call."""

    def __init__(self, world: World) -> None:
        self.world = world

    def strike(self) -> None:
        ways = [
            self.crash_main,
            self.freeze_main,
            self.reload_main,
            self.reset_stream,
            self.cut_off,
            self.drop_gateway,
            self.ask_to_reconnect,
        ]
        ways += [self.drop_session] if self.world.drops_sessions else [self.crash_ws]
        self.world.chance.choice(ways)()

    def _some_main(self) -> Main:
        mains = self.world.mains
        return mains[self.world.chance.choice(sorted(mains))]

    def _some_conn(self) -> Conn | None:
        ws = self.world.ws
        conns = [conn for conn in ws.conns if conn.ws_open] if ws else []
        return self.world.chance.choice(sorted(conns, key=lambda conn: conn.main.address)) if conns else None

    def crash_main(self) -> None:
        world, main = self.world, self._some_main()
        main.crash()
        for conn in main.conns:
            world.after(world.delay() * 3, conn.lost_at_ws)
        world.after(world.chance.random() * 0.1, self._replace, main)

    def _replace(self, main: Main) -> None:
        if self.world.mains[main.address] is main:
            self.world.mains[main.address] = Main(self.world, main.address)

    def freeze_main(self) -> None:
        """Freeze a process, for less or more time than ws takes to notice."""
        world, main = self.world, self._some_main()
        main.freeze()
        for conn in main.conns:
            world.after(_KEEPALIVE + world.delay(), self._silent, conn)
        world.after(world.chance.choice((0.01, 0.05, 0.15, 0.3)) * (0.5 + world.chance.random()), main.thaw)

    def _silent(self, conn: Conn) -> None:
        if conn.main.is_frozen:
            conn.lost_at_ws()
            conn.lost_at_main()

    def cut_off(self) -> None:
        """Cut a connection silently; each side finds out by itself."""
        world, conn = self.world, self._some_conn()
        if conn is not None:
            conn.to_main.is_open = conn.to_ws.is_open = False
            world.after(_KEEPALIVE + world.chance.random() * 0.1, conn.lost_at_ws)
            world.after(_KEEPALIVE + world.chance.random() * 0.3, conn.lost_at_main)

    def reset_stream(self) -> None:
        world, conn = self.world, self._some_conn()
        if conn is not None:
            conn.to_main.is_open = conn.to_ws.is_open = False
            world.after(world.delay() * 3, conn.lost_at_ws)
            world.after(self._until_main_notices(), conn.lost_at_main)

    def _until_main_notices(self) -> float:
        """Return how long main takes to notice: a handler may keep the process busy."""
        return self.world.chance.random() * 0.06

    def reload_main(self) -> None:
        world, old = self.world, self._some_main()
        if not old.is_alive or old.is_leaving or old.is_frozen:
            return
        world.mains[old.address] = Main(world, old.address)
        old.drain()
        world.after(0.005 + world.chance.random() * 0.05, self._leave, old, world.now + 0.1)

    def _leave(self, main: Main, deadline: float) -> None:
        """End the run when all is done and nothing is under way, or after a time limit."""
        if not main.is_alive:
            return
        if main.is_frozen or (self.world.now < deadline and not main.is_done):
            self.world.after(0.01, self._leave, main, deadline)
        else:
            main.leave()

    def drop_gateway(self) -> None:
        ws = self.world.ws
        if (
            ws is not None
            and ws.wire is not None
            and ws.session.state not in {State.CONNECTING, State.WAITING}
        ):
            ws.hang_up()
            ws.step(s.Closed(None))

    def ask_to_reconnect(self) -> None:
        ws = self.world.ws
        if ws is not None and ws.wire is not None and ws.session.state is State.CONNECTED:
            frames = (s.Frame(Op.RECONNECT), s.Frame(Op.INVALID_SESSION, d=b"true"))
            ws.wire.send(self.world.ws_control, self.world.chance.choice(frames))

    def drop_session(self) -> None:
        """Refuse the next RESUME; ws is not responsible for what it has not received by then."""
        self.world.discord.invalid = True
        self.drop_gateway()

    def crash_ws(self) -> None:
        ws = self.world.ws
        if ws is None:
            return
        self.world.ws = None
        ws.hang_up()
        self.world.dirty.clear()
        held = ws.session.session_id
        if (
            self.world.chance.random() < 0.2
            or self.world.persisted is None
            or self.world.persisted.session_id != held
        ):
            self._lose_session_too()
        for conn in ws.conns:
            self.world.after(self._until_main_notices(), conn.lost_at_main)
        self.world.after(0.002 + self.world.chance.random() * 0.04, self.world.start_ws)

    def _lose_session_too(self) -> None:
        """End the session or forget that it was saved: only the spool has its events."""
        self.world.discord.invalid = True
        self.world.excused |= self.world.received - self.world.on_disk()
