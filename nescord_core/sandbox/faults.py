"""What is made to go wrong on purpose, and for how long. Pure: the wire and the server ask, and obey.

Gateway faults stay until they are switched off; REST faults count down.
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
"""Which gateway URL a fault concerns: only the one READY gives for resuming, or all."""

CONNECTION_FAULTS = ("reset", "close", "reconnect", "invalid_session")
"""What is done to open connections at once: a TCP reset, a close frame, opcode 7, opcode 9."""


class FaultError(ValueError):
    """A fault that cannot be set; prints as one sentence that names what would be valid."""


@dataclass(frozen=True, slots=True)
class GatewayFaults:
    """The standing gateway faults. ``delay`` is in seconds before each batch of payloads."""

    silent: UrlScope = "nowhere"
    refuse: UrlScope = "nowhere"
    refuse_resume: bool = False
    no_heartbeat_ack: bool = False
    delay: float = 0.0

    def active(self) -> dict[str, Any]:
        """Return those that are not at their default."""
        defaults = asdict(GatewayFaults())
        return {key: value for key, value in asdict(self).items() if value != defaults[key]}


@dataclass(frozen=True, slots=True)
class RestFault:
    """The next ``count`` requests that match are answered with ``status``, or only later.

    ``status`` 0 means that the request is served, after ``latency`` seconds. ``route`` matches a whole path
    below /api/v10; ``*`` stands for anything within it. ``retry_after`` (seconds) is for 429.
    """

    method: str = "*"
    route: str = "*"
    status: int = 0
    count: int = 1
    latency: float = 0.0
    retry_after: float = 1.0

    def matches(self, method: str, path: str) -> bool:
        """Say whether the fault concerns this request."""
        if self.method not in ("*", method):
            return False
        pattern = ".*".join(re.escape(part) for part in self.route.split("*"))
        return re.fullmatch(pattern, path) is not None


class FaultPlan:
    """All standing faults: read by the wire, written by the control API."""

    def __init__(self) -> None:
        self.gateway = GatewayFaults()
        self.rest: tuple[RestFault, ...] = ()

    def set_gateway(self, changes: Mapping[str, Any]) -> GatewayFaults:
        """Change some gateway faults; raises FaultError that names the valid ones."""
        known = asdict(self.gateway)
        for key, value in changes.items():
            if key not in known:
                raise FaultError(f"There is no gateway fault {key!r}; there are {', '.join(known)}.")
            _check_type(key, value, known[key])
        self.gateway = replace(self.gateway, **changes)
        return self.gateway

    def add_rest(self, fields: Mapping[str, Any]) -> RestFault:
        """Add a REST fault; raises FaultError that names the valid keys."""
        known = asdict(RestFault())
        for key, value in fields.items():
            if key not in known:
                raise FaultError(f"A REST fault has no {key!r}; it has {', '.join(known)}.")
            _check_type(key, value, known[key])
        fault = RestFault(**fields)
        if fault.status and not 400 <= fault.status <= 599:
            raise FaultError(f"status must be 0 (serve it late) or from 400 to 599, not {fault.status}.")
        if not fault.status and not fault.latency:
            raise FaultError("A REST fault needs a status, a latency (seconds), or both.")
        if fault.count < 1:
            raise FaultError(f"count must be at least 1, not {fault.count}.")
        self.rest = (*self.rest, fault)
        return fault

    def take_rest(self, method: str, path: str) -> RestFault | None:
        """Return the fault for this request, if any, and count it down."""
        for at, fault in enumerate(self.rest):
            if fault.matches(method, path):
                left = (replace(fault, count=fault.count - 1),) if fault.count > 1 else ()
                self.rest = self.rest[:at] + left + self.rest[at + 1 :]
                return fault
        return None

    def clear(self) -> None:
        """Switch everything off."""
        self.gateway = GatewayFaults()
        self.rest = ()

    def active(self) -> dict[str, Any]:
        """Return what is on, for the page and for GET /sandbox/fault."""
        return {"gateway": self.gateway.active(), "rest": [asdict(fault) for fault in self.rest]}


def applies(scope: UrlScope, *, on_resume_url: bool) -> bool:
    """Say whether a fault set for ``scope`` concerns a connection made to this URL."""
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
        raise FaultError(f"{key} must not be negative, not {value!r}.")
