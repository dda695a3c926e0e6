"""Recognises hosts of this machine, and Host headers that no web page can have chosen. Pure.

A browser on this machine can reach services on loopback. A page whose name was rebound to 127.0.0.1 sends no
Origin, so only its Host header distinguishes it from a local program.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

__all__ = ["is_loopback", "is_trusted_host"]


def is_loopback(host: str) -> bool:
    """Return whether an address or name refers to this machine only; compares it whole, not by a prefix."""
    if host.lower() == "localhost":
        return True
    address = _address(host)
    return address is not None and address.is_loopback


def is_trusted_host(header: str, names: Collection[str]) -> bool:
    """Return whether a Host header is one that no web page can have chosen, or one of ``names``.

    An IP address cannot be rebound; localhost, its subdomains and names without a dot cannot be registered.
    """
    host = _without_port(header.strip()).lower().rstrip(".")
    if not host or _address(host) is not None:
        return bool(host)
    return host == "localhost" or host.endswith(".localhost") or "." not in host or host in names


def _without_port(header: str) -> str:
    if header.startswith("["):
        return header.partition("]")[0] + "]"
    host, colon, port = header.rpartition(":")
    return host if colon and port.isdecimal() and ":" not in host else header


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    if host.startswith("[") != host.endswith("]"):
        return None
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None
