"""Checks that the ports of all services are free before any of them starts, and finds free ones."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from nescord_core.config import Config
from nescord_core.errors import NescordError, PortTaken
from nescord_core.process.port_claims import PortClaims
from nescord_core.process.ports import Holder, find_holder, refusal
from nescord_core.services.dev import plan
from nescord_core.supervisor.output import Output

__all__ = ["OffsetChoice", "choose_offset", "until_free"]

OFFSETS = range(0, 2000, 50)
"""Port offsets that are tried. The ports of a project with few workers lie within 50."""
RETRY = 0.1
"""Seconds between two checks while an earlier run is stopping."""


async def until_free(
    addresses: Iterable[plan.Listener], output: Output, patience: float, signals: Sequence[str]
) -> None:
    """Raise PortTaken if a port is still taken after ``patience`` seconds; return early after a signal."""
    loop = asyncio.get_running_loop()
    until, reported = loop.time() + patience, False
    while not signals:
        try:
            _check_free(addresses)
            return
        except PortTaken:
            if loop.time() >= until:
                raise
        if not reported:
            output.say("waiting for the ports of an earlier run that was killed and is still stopping")
            reported = True
        await asyncio.sleep(RETRY)


@dataclass(frozen=True, slots=True)
class OffsetChoice:
    """A port offset, and the port that is taken at offset 0, if that is why it is another one."""

    offset: int
    taken: plan.Listener | None = None
    holder: Holder | None = None

    def notice(self) -> str:
        """Return what a person is told if the ports were moved."""
        if self.taken is None:
            return ""
        by = f" by {self.holder}" if self.holder else ""
        moved = f"all ports are moved by {self.offset} (--strict-port refuses instead)"
        return f"{self.taken.address} is taken{by}; {moved}"


def choose_offset(config: Config, *, sandbox: bool | None, claims: PortClaims) -> OffsetChoice:
    """Return the smallest port offset at which every port is free, and claim these ports.

    It is 0 where a port is held by an earlier run of this very project, which is to end first or refuses this
    one, and where a port that is taken has been configured: only default ports are nobody's wish.

    Raises:
        ConfigError: there is neither a token nor a sandbox, or a port is 0.
        NescordError: the ports of all offsets are taken.

    """
    first = OffsetChoice(0)
    for offset in OFFSETS:
        moved, with_sandbox = plan.effective(config, sandbox=sandbox, port_offset=offset)
        listeners = plan.listeners(moved, sandbox=with_sandbox)
        taken = _first_taken(listeners)
        if taken is None and claims.take(listener.port for listener in listeners):
            return replace(first, offset=offset)
        if taken is None and offset == 0:  # another `nescord dev` has chosen it and is about to listen
            if any(config.values[listener.key].source != "default" for listener in listeners):
                return first
            first = OffsetChoice(0, listeners[0])
        elif taken is not None and offset == 0:
            holder = find_holder(taken.host, taken.port)
            is_own = holder is not None and holder.project == config.project.resolve()
            if is_own or config.values[taken.key].source != "default":
                return first
            first = OffsetChoice(0, taken, holder)
    raise NescordError(
        "there are no free ports for this project.", hint="Stop other nescord projects, or set its ports."
    )


def _first_taken(listeners: Iterable[plan.Listener]) -> plan.Listener | None:
    for listener in listeners:
        try:
            _check_free([listener])
        except PortTaken:
            return listener
    return None


def _check_free(listeners: Iterable[plan.Listener]) -> None:
    """Bind each address briefly; raises PortTaken for one that is in use."""
    for listener in listeners:
        family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((listener.host, listener.port))
            except OSError as error:
                raise refusal(
                    error, listener.host, listener.port, service=listener.service, key=listener.key
                ) from None
