"""Decides whether a resume URL from READY may be given the token."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

__all__ = ["is_trusted"]

_LONGEST = 2048


def is_trusted(url: object, main: str) -> bool:
    """Return whether ``url`` is a websocket URL on the main gateway's host or domain.

    RESUME carries the token, so a READY must not be able to send it elsewhere: not to another domain, and not
    unencrypted when the main gateway is encrypted. Discord's own resume hosts are below the main gateway's
    domain (gateway.discord.gg, gateway-us-east1-b.discord.gg).
    """
    if not isinstance(url, str) or len(url) > _LONGEST:
        return False
    try:
        theirs, ours = urlsplit(url), urlsplit(main)
        port = theirs.port
    except ValueError:
        return False
    if theirs.scheme not in ("ws", "wss") or not theirs.hostname or not ours.hostname or port == 0:
        return False
    if ours.scheme == "wss" and theirs.scheme != "wss":
        return False
    if theirs.username is not None or theirs.password is not None:
        return False
    return theirs.hostname == ours.hostname or _domain(theirs.hostname) == _domain(ours.hostname)


def _domain(host: str) -> str:
    """Return the domain that an owner's hosts share: the last two labels, or ``local`` for this machine."""
    try:
        return "local" if ipaddress.ip_address(host).is_loopback else host
    except ValueError:
        labels = host.rstrip(".").split(".")
        return ".".join(labels[-2:]) if len(labels) > 1 else "local"
