"""Decides about a request before its body is read: access, target, route, priority, deadline."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import NamedTuple

from nescord_core.ratelimit.route import Route, route_of
from nescord_core.rest.proxy import caller_options, error_responses
from nescord_core.rest.proxy.access import Access, fingerprint
from nescord_core.rest.proxy.caller_options import Refused
from nescord_core.rest.proxy.server.request import Request
from nescord_core.rest.proxy.target import Target, TargetRefused, Targets

__all__ = ["Admission", "AdmittedRequest", "Refused"]

REMEMBERED = 1024
"""Cached GETs: their target and limits depend on the path alone."""


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
        if (priority := caller_options.priority(headers)) is not None:
            route = route._replace(priority=priority)
        deadline = caller_options.deadline(headers)
        return AdmittedRequest(target, route, authorization, fingerprint(authorization), deadline)

    def _resolve(self, method: str, raw_path: str) -> tuple[Target, Route]:
        target = self._targets.resolve(raw_path)
        return target, route_of(method, target.path, unix_ms=int(time.time() * 1000))
