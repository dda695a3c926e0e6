"""Who holds a port: so that "address in use" can name the process to stop."""

from __future__ import annotations

import errno
import ipaddress
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from nescord_core.errors import ConfigError, NescordError, PortTaken
from nescord_core.process.os_errors import reason_of

if TYPE_CHECKING:
    import psutil

__all__ = ["holder_of", "is_taken", "refusal"]

ANY = frozenset({ipaddress.ip_address("0.0.0.0"), ipaddress.ip_address("::")})  # noqa: S104 - compared, not bound
Address = tuple[str, int]


def is_taken(error: OSError) -> bool:
    """Say whether binding failed because somebody else has the port."""
    return error.errno == errno.EADDRINUSE


def refusal(error: OSError, host: str, port: int, *, service: str, key: str) -> NescordError:
    """Return what to tell a person whose service could not listen there; ``key`` is the setting to change."""
    address = f"[{host}]:{port}" if ":" in host.strip("[]") and not host.startswith("[") else f"{host}:{port}"
    if is_taken(error):
        return PortTaken(address, service=service, key=key, holder=holder_of(host, port))
    return ConfigError(
        f"{service} cannot listen on {address}: {reason_of(error)}.",
        where=key,
        hint="Choose an address of this machine and a port that this user may open.",
    )


def holder_of(host: str, port: int) -> str:
    """Describe the process that listens on the port, as ``python3 (process 1234)``.

    ``host`` is an address or a name; a name matches any local address. When a process shares the socket with
    its children, the outermost is named, because the port is taken until that one ends. The answer is empty
    where nobody listens, and where the system does not tell: a process of another user. Arguments of the
    process are not shown, because they may hold what is nobody's business.
    """
    import psutil  # costs 8 ms, and only a service that does not get its port needs it

    is_wanted = partial(_overlaps, host, port)
    with suppress(psutil.Error, OSError):  # gone meanwhile, or not ours to look at
        if pids := {pid for pid, address in _listeners() if is_wanted(address)}:
            process = _outermost(psutil.Process(min(pids)), is_wanted)
            return f"{process.name() or 'a process'} (process {process.pid})"
    return ""


def _listeners() -> Iterator[tuple[int, Address]]:
    """Yield process id and address of the listening sockets whose process may be seen."""
    import psutil

    try:
        found = psutil.net_connections("tcp")
    except psutil.AccessDenied:  # macOS shows all of them at once to root only, but a user his own
        for process in psutil.process_iter():
            yield from ((process.pid, address) for address in _addresses(process))
        return
    for connection in found:
        if connection.pid and connection.status == psutil.CONN_LISTEN and connection.laddr:
            yield connection.pid, (connection.laddr.ip, connection.laddr.port)


def _addresses(process: psutil.Process) -> Iterator[Address]:
    """Yield the addresses that a process listens on; none where it may not be seen."""
    import psutil

    with suppress(psutil.Error):
        for connection in process.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr:
                yield connection.laddr.ip, connection.laddr.port


def _overlaps(host: str, port: int, address: Address) -> bool:
    if address[1] != port:
        return False
    listening = ipaddress.ip_address(address[0])
    try:
        wanted = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return True
    return wanted == listening or listening in ANY or wanted in ANY


def _outermost(process: psutil.Process, is_wanted: Callable[[Address], bool]) -> psutil.Process:
    holders = [parent for parent in process.parents() if any(map(is_wanted, _addresses(parent)))]
    return holders[-1] if holders else process
