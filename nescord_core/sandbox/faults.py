"""Faults to inject into the gateway and into REST responses. Pure: the servers ask for them and apply them.

Gateway faults stay until they are cleared; REST faults count down with each request that matches.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

__all__ = [
    "CONNECTION_FAULTS",
    "FaultError",
    "FaultPlan",
    "GatewayFaults",
    "RestFault",
    "UrlScope",
    "applies",
]

UrlScope = str
URL_SCOPES = ("nowhere", "resume", "everywhere")
"""The gateway URLs that a fault applies to: none, the ``resume_gateway_url`` of READY, or all."""

CONNECTION_FAULTS = ("reset", "close", "reconnect", "invalid_session", "silence", "event", "frame")
"""What can be done to open connections: a TCP reset, a close, opcodes 7 and 9, silence, odd payloads."""


class FaultError(ValueError):
    """A fault that cannot be set; the message names what is valid."""


@dataclass(frozen=True, slots=True)
class GatewayFaults:
    """The gateway faults in effect. ``delay`` is in seconds before each batch of payloads."""

    silent: UrlScope = "nowhere"
    refuse: UrlScope = "nowhere"
    refuse_resume: bool = False
    no_heartbeat_ack: bool = False
    delay: float = 0.0

    def active(self) -> dict[str, Any]:
        """Return the faults that are not at their defaults."""
        defaults = asdict(GatewayFaults())
        return {key: value for key, value in asdict(self).items() if value != defaults[key]}


@dataclass(frozen=True, slots=True)
class RestFault:
    """A fault of the next ``count`` requests that match: an error ``status``, a delay, or both.

    ``status`` 0 serves the request after ``latency`` seconds. ``route`` matches the whole path below
    /api/v10; ``*`` in it matches anything. ``retry_after`` (seconds) is for 429.
    """

    method: str = "*"
    route: str = "*"
    status: int = 0
    count: int = 1
    latency: float = 0.0
    retry_after: float = 1.0

    def matches(self, method: str, path: str) -> bool:
        """Return whether the fault applies to this request."""
        if self.method not in ("*", method):
            return False
        pattern = ".*".join(re.escape(part) for part in self.route.split("*"))
        return re.fullmatch(pattern, path) is not None


class FaultPlan:
    """All faults in effect: set by the control API, read by the gateway and the middleware."""

    def __init__(self) -> None:
        self.gateway = GatewayFaults()
        self.rest: tuple[RestFault, ...] = ()

    def set_gateway(self, changes: Mapping[str, Any]) -> GatewayFaults:
        """Change gateway faults. Raises FaultError that names the valid ones."""
        known = asdict(self.gateway)
        for key, value in changes.items():
            if key not in known:
                raise FaultError(f"There is no gateway fault {key!r}. Known: {', '.join(known)}.")
            _check_type(key, value, known[key])
        self.gateway = replace(self.gateway, **changes)
        return self.gateway

    def add_rest(self, fields: Mapping[str, Any]) -> RestFault:
        """Add a REST fault. Raises FaultError that names the valid keys."""
        known = asdict(RestFault())
        for key, value in fields.items():
            if key not in known:
                raise FaultError(f"A REST fault has no {key!r}. It takes: {', '.join(known)}.")
            _check_type(key, value, known[key])
        fault = RestFault(**fields)
        if fault.status and not 400 <= fault.status <= 599:
            raise FaultError(f"status must be 0 (delay only) or from 400 to 599, not {fault.status}.")
        if not fault.status and not fault.latency:
            raise FaultError("A REST fault needs a status, a latency (seconds), or both.")
        if fault.count < 1:
            raise FaultError(f"count must be at least 1, not {fault.count}.")
        self.rest = (*self.rest, fault)
        return fault

    def take_rest(self, method: str, path: str) -> RestFault | None:
        """Return the fault that applies to this request, if any, and count it down."""
        for at, fault in enumerate(self.rest):
            if fault.matches(method, path):
                left = (replace(fault, count=fault.count - 1),) if fault.count > 1 else ()
                self.rest = self.rest[:at] + left + self.rest[at + 1 :]
                return fault
        return None

    def clear(self) -> None:
        """Clear all faults."""
        self.gateway = GatewayFaults()
        self.rest = ()

    def active(self) -> dict[str, Any]:
        """Return the faults in effect, as the page and GET /sandbox/fault show them."""
        return {"gateway": self.gateway.active(), "rest": [asdict(fault) for fault in self.rest]}


def applies(scope: UrlScope, *, on_resume_url: bool) -> bool:
    """Return whether a fault with this scope applies to a connection to this URL."""
    return scope == "everywhere" or (scope == "resume" and on_resume_url)


def _check_type(key: str, value: object, default: object) -> None:
    if key in ("silent", "refuse"):
        if value not in URL_SCOPES:
            raise FaultError(f"{key} must be one of {', '.join(URL_SCOPES)}, not {value!r}.")
    elif isinstance(default, bool):
        if not isinstance(value, bool):
            raise FaultError(f"{key} must be true or false, not {value!r}.")
    elif isinstance(default, str):
        if not isinstance(value, str):
            raise FaultError(f"{key} must be text, not {value!r}.")
    elif isinstance(value, bool) or not isinstance(value, int if isinstance(default, int) else int | float):
        raise FaultError(f"{key} must be a number, not {value!r}.")
    elif value < 0:
        raise FaultError(f"{key} must not be negative, but is {value!r}.")
