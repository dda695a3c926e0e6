"""Reads the options that a caller sets in its headers: X-Nescord-Priority and X-Nescord-Deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from nescord_core.ratelimit.route import Priority
from nescord_core.rest.proxy import error_responses
from nescord_core.rest.proxy.server.response import Response

__all__ = ["Refused", "deadline", "priority"]

PRIORITIES = {"interaction": Priority.INTERACTION, "normal": Priority.NORMAL, "bulk": Priority.BULK}
LONGEST_DEADLINE = 24 * 3600.0


class Refused(Exception):
    """A request that the proxy answers itself, with this response."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.status)
        self.answer = answer


def priority(headers: Mapping[str, str]) -> Priority | None:
    """Return the priority that the caller asks for, None for the route's own. Raises `Refused`."""
    if "X-Nescord-Priority" not in headers:
        return None
    found = PRIORITIES.get(headers["X-Nescord-Priority"].strip().lower())
    if found is None:
        message = f"X-Nescord-Priority must be one of {', '.join(PRIORITIES)}."
        raise Refused(error_responses.error(400, message))
    return found


def deadline(headers: Mapping[str, str]) -> float | None:
    """Return the end of the caller's patience on the loop's clock, if it names one. Raises `Refused`."""
    if "X-Nescord-Deadline" not in headers:
        return None
    try:
        seconds = float(headers["X-Nescord-Deadline"])
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= LONGEST_DEADLINE:
        message = "X-Nescord-Deadline must be a number of seconds from now, at most a day."
        raise Refused(error_responses.error(400, message))
    return asyncio.get_running_loop().time() + seconds
