"""Who holds a port: so that "address in use" can name the process to stop.

Reads Linux's /proc; elsewhere, and for processes of other users, the holder stays unnamed.
"""

from __future__ import annotations

import errno
import ipaddress
from collections.abc import Iterator
from pathlib import Path

from nescord_core.errors import ConfigError, NescordError, PortTaken
from nescord_core.process.os_errors import reason_of

__all__ = ["holder_of", "is_taken", "refusal"]

PROC = Path("/proc")
LISTEN = "0A"
ANY = frozenset({ipaddress.ip_address("0.0.0.0"), ipaddress.ip_address("::")})  # noqa: S104 - compared, not bound


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


def holder_of(host: str, port: int, *, proc: Path = PROC) -> str:
    """Describe the process that listens on the port, as ``python3 (process 1234)``.

    ``host`` is an address or a name; a name matches any local address. The answer is empty where the system
    does not tell: another platform, or a process of another user. Arguments of the process are not
    shown, because they may hold what is nobody's business.
    """
    inodes = {inode for address, inode in _listening(port, proc) if _overlaps(host, address)}
    if not inodes:
        return ""
    return _owner(inodes, proc)


def _listening(port: int, proc: Path) -> Iterator[tuple[str, str]]:
    """Yield (address, inode) of the listening sockets on a port."""
    for name in ("tcp", "tcp6"):
        try:
            lines = (proc / "net" / name).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if len(fields) < 10 or fields[3] != LISTEN:
                continue
            address, _, hex_port = fields[1].rpartition(":")
            if int(hex_port, 16) == port:
                yield _decoded(address), fields[9]


def _decoded(address: str) -> str:
    """The kernel prints an address as 32-bit words in host order, each in hex (proc_pid_net(5))."""
    words = bytes.fromhex(address)
    raw = b"".join(words[at : at + 4][::-1] for at in range(0, len(words), 4))
    return str(ipaddress.ip_address(raw))


def _overlaps(host: str, address: str) -> bool:
    listening = ipaddress.ip_address(address)
    try:
        wanted = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return True
    return wanted == listening or listening in ANY or wanted in ANY


def _owner(inodes: set[str], proc: Path) -> str:
    sockets = {f"socket:[{inode}]" for inode in inodes}
    for process in proc.iterdir():
        if process.name.isdigit() and _holds(process, sockets):
            return f"{_name(process)} (process {process.name})"
    return ""


def _holds(process: Path, sockets: set[str]) -> bool:
    try:
        for descriptor in (process / "fd").iterdir():
            if _target(descriptor) in sockets:
                return True
    except OSError:
        return False  # gone meanwhile, or not ours to look at
    return False


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except OSError:
        return ""


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip() or "a process"
    except OSError:
        return "a process"
