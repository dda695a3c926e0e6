"""Decides about a request before its body is read: access, target, route and deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from nescord_core.ratelimit.route import Priority, Route, route_of
from nescord_core.rest.proxy import error_responses
from nescord_core.rest.proxy.access import Access, fingerprint
from nescord_core.rest.proxy.server.request import Request
from nescord_core.rest.proxy.server.response import Response
from nescord_core.rest.proxy.target import Target, TargetRefused, Targets

__all__ = ["Admission", "AdmittedRequest", "Refused"]

PRIORITIES = {"interaction": Priority.INTERACTION, "normal": Priority.NORMAL, "bulk": Priority.BULK}
LONGEST_DEADLINE = 24 * 3600.0
REMEMBERED = 1024
"""Cached GETs: their target and limits depend on the path alone."""


class Refused(Exception):
    """A request that the proxy answers itself, with this response."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.status)
        self.answer = answer


class AdmittedRequest(NamedTuple):
    """A request that was admitted by its head. ``deadline`` is on the loop's clock."""

    target: Target
    route: Route
    authorization: str | None
    token: str
    deadline: float | None


class Admission:
    """Admits requests for one API and one bot."""

    def __init__(self, targets: Targets, access: Access) -> None:
        self._targets = targets
        self._access = access
        self._get = lru_cache(maxsize=REMEMBERED)(self._resolve)

    def admit(self, request: Request) -> AdmittedRequest:
        """Return the request's target, route and credentials. Raises `Refused` and `AccessDenied`."""
        headers, method = request.headers, request.method
        try:
            target, route = (
                self._get("GET", request.raw_path)
                if method == "GET"
                else self._resolve(method, request.raw_path)
            )
        except TargetRefused as error:
            self._access.check(headers)
            raise Refused(error_responses.error(400, str(error))) from error
        authorization = self._access.authorization(headers, authenticated=route.authenticated)
        if "X-Nescord-Priority" in headers:
            route = route._replace(priority=_priority(headers["X-Nescord-Priority"]))
        deadline = _deadline(headers) if "X-Nescord-Deadline" in headers else None
        return AdmittedRequest(target, route, authorization, fingerprint(authorization), deadline)

    def _resolve(self, method: str, raw_path: str) -> tuple[Target, Route]:
        target = self._targets.resolve(raw_path)
        return target, route_of(method, target.path, unix_ms=int(time.time() * 1000))


def _priority(name: str) -> Priority:
    priority = PRIORITIES.get(name.strip().lower())
    if priority is None:
        message = f"X-Nescord-Priority must be one of {', '.join(PRIORITIES)}."
        raise Refused(error_responses.error(400, message))
    return priority


def _deadline(headers: Mapping[str, str]) -> float:
    try:
        seconds = float(headers["X-Nescord-Deadline"])
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= LONGEST_DEADLINE:
        message = "X-Nescord-Deadline must be a number of seconds from now, at most a day."
        raise Refused(error_responses.error(400, message))
    return asyncio.get_running_loop().time() + seconds
