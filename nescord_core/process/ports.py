"""Who holds a port: so that "address in use" can name the process to stop."""

from __future__ import annotations

import errno
import ipaddress
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from nescord_core.errors import ConfigError, NescordError, PortTaken
from nescord_core.process.os_errors import reason_of

if TYPE_CHECKING:
    import psutil

__all__ = ["Holder", "find_holder", "holder_of", "is_taken", "refusal"]

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


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that listens on a port. ``command`` and ``project`` are set if it is one of nescord's."""

    pid: int
    name: str
    command: str = ""
    project: Path | None = None

    def __str__(self) -> str:
        if self.project is not None:
            return f"`{self.command}` of {self.project} (process {self.pid})"
        return f"{self.name or 'a process'} (process {self.pid})"


def holder_of(host: str, port: int) -> str:
    """Describe the process that listens on the port, as ``python3 (process 1234)``; "" as `find_holder`."""
    return str(find_holder(host, port) or "")


def find_holder(host: str, port: int) -> Holder | None:
    """Return the process that listens on the port.

    ``host`` is an address or a name; a name matches any local address. When a process shares the socket with
    its children, the outermost is named, because the port is taken until that one ends; of nescord's services
    it is the `nescord dev` or `run` that started them. The answer is None where nobody listens, and where the
    system does not tell: a process of another user. Arguments of the process are not shown, because they may
    hold what is nobody's business.
    """
    import psutil  # costs 8 ms, and only a service that does not get its port needs it

    is_wanted = partial(_overlaps, host, port)
    with suppress(psutil.Error, OSError):  # gone meanwhile, or not ours to look at
        if pids := {pid for pid, address in _listeners() if is_wanted(address)}:
            process = _outermost(psutil.Process(min(pids)), is_wanted)
            return _of_nescord(process) or Holder(process.pid, process.name())
    return None


def _of_nescord(process: psutil.Process) -> Holder | None:
    """Return the outermost of nescord's processes from a listening one upwards; None for others."""
    ours = list(takewhile(lambda each: _words(each) is not None, (process, *process.parents())))
    commands = [(each, " ".join(words)) for each in ours if (words := _words(each))]
    if not commands:
        return None
    outermost, command = commands[-1]
    # The services run in the project's directory, `nescord dev` where it was started.
    return Holder(outermost.pid, outermost.name(), f"nescord {command}", Path(process.cwd()))


def _words(process: psutil.Process) -> list[str] | None:
    """Return nescord's command that a process runs, without options: [] for a worker, None for others."""
    import psutil

    try:
        words = process.cmdline()
    except (psutil.Error, OSError):
        return None
    for at, word in enumerate(words[:5]):
        if word == "nescord_cli" or Path(word).name == "nescord":
            names = list(takewhile(str.isalpha, words[at + 1 : at + 3]))
            return names if names[:1] == ["run"] else names[:1]
        if word.startswith("nescord_core."):
            return []
    return None


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
