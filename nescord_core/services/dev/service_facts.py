"""A service's facts as `nescord status` and the JSON lines of `nescord dev` report them."""

from __future__ import annotations

from typing import Any

from nescord_core.supervisor.supervisor import ServiceView

__all__ = ["facts"]


def facts(view: ServiceView) -> dict[str, Any]:
    """Return state, process, address, uptime and restarts of a service."""
    return {
        "state": view.state.value,
        "pid": view.pid,
        "address": view.address,
        "uptime_s": None if view.uptime_s is None else round(view.uptime_s, 1),
        "restarts": view.restarts,
    }
