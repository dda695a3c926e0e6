"""Chooses the outgoing proxy for a URL: discord.proxy, else HTTPS_PROXY and the like. Pure.

The variables work as in curl and in Python's urllib: lower-case names take precedence, NO_PROXY lists hosts
and domains, and ``*`` matches all of them. This machine is never reached through a proxy.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from nescord_core.process.hosts import is_loopback

__all__ = ["Proxies"]

_VARIABLES = {"https": "HTTPS_PROXY", "wss": "HTTPS_PROXY", "http": "HTTP_PROXY", "ws": "HTTP_PROXY"}


@dataclass(frozen=True, slots=True)
class Proxies:
    """Proxies by URL scheme, and ``no_proxy`` as in the variable.

    ``configured`` (discord.proxy) takes precedence over the environment. Proxy URLs may contain credentials.
    """

    by_scheme: Mapping[str, str] = field(default_factory=dict, repr=False)
    no_proxy: str = ""
    configured: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, environ: Mapping[str, str], *, configured: str | None = None) -> Proxies:
        """Return the proxies of the environment."""

        def value(name: str) -> str:
            return (environ.get(name.lower()) or environ.get(name) or "").strip()

        found = {scheme: value(name) or value("ALL_PROXY") for scheme, name in _VARIABLES.items()}
        return cls(
            {scheme: _url(proxy) for scheme, proxy in found.items() if proxy}, value("NO_PROXY"), configured
        )

    def proxy_for(self, url: str) -> str | None:
        """Return the URL of the proxy for a URL; None for a direct connection."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if is_loopback(host) or self._is_exempt(host, parts.port):
            return None
        return self.configured or self.by_scheme.get(parts.scheme)

    def _is_exempt(self, host: str, port: int | None) -> bool:
        return any(_matches(entry.strip().lower(), host, port) for entry in self.no_proxy.split(","))


def _url(proxy: str) -> str:
    return proxy if "://" in proxy else f"http://{proxy}"


def _matches(entry: str, host: str, port: int | None) -> bool:
    if entry == "*":
        return True
    name, colon, wanted = entry.rpartition(":")
    if colon and wanted.isdecimal() and ":" not in name:
        if port != int(wanted):
            return False
        entry = name
    if "/" in entry:
        return _within(entry, host)
    entry = entry.removeprefix("*").lstrip(".").strip("[]")
    return bool(entry) and (host == entry or host.endswith(f".{entry}"))


def _within(network: str, host: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
