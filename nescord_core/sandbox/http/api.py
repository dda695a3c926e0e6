"""Discord's REST API on aiohttp: tokens, rate limits, bodies, headers. `router` answers the calls."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import msgspec
from aiohttp import web

from nescord_core.discord_api import contract
from nescord_core.discord_api.contract import Operation, Parameter
from nescord_core.sandbox.http.operation_call import Call, GatewayInfo, Response
from nescord_core.sandbox.http.rate_limits import (
    CHANNEL_NAME,
    WEBHOOK_CHANNEL,
    Allowed,
    InvalidRequests,
    Limited,
    Limits,
    headers,
    rate_limited_body,
    rule_for,
)
from nescord_core.sandbox.http.request_bodies import BodyTooLarge, InvalidBody, read_body
from nescord_core.sandbox.http.router import MISSING_BODY, UNKNOWN_ROUTE, answer
from nescord_core.sandbox.http.validation import invalid_form
from nescord_core.sandbox.world.oauth_scopes import SCOPES
from nescord_core.sandbox.world.unmodelled_state import Grant
from nescord_core.sandbox.world.world import World
from nescord_core.settings import SandboxSettings

__all__ = ["RestApi"]

log = logging.getLogger(__name__)

VIA = {"Via": "1.1 nescord-sandbox"}
VERSIONS = frozenset({"v9", "v10"})
UNAUTHENTICATED = frozenset({"get_gateway", "get_guild_widget", "get_guild_widget_png"})
"""Operations without authentication. Besides these, a token in the path is enough."""

LIST_SKUS = Operation(
    operation_id="list_skus",
    method="GET",
    path="/applications/{application_id}/skus",
    parameters=(Parameter("application_id", "path", {"type": "string", "format": "snowflake"}, True),),
    request={},
    responses={"200": {}},
    security=("BotToken",),
    segments=("applications", "{application_id}", "skus"),
)
"""The one operation that clients use and the OpenAPI document lacks
(https://discord.com/developers/docs/resources/sku#list-skus)."""

UNAUTHORIZED = Response(401, {"message": "401: Unauthorized", "code": 0})
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
METHOD_NOT_ALLOWED = Response(405, {"message": "405: Method Not Allowed", "code": 0})
TOO_LARGE = Response(413, {"message": "Request entity too large", "code": 40005})
INTERNAL_ERROR = Response(500, {"message": "500: Internal Server Error", "code": 0})
BAD_VERSION = Response(400, {"message": "Invalid API version provided", "code": 50041})
MAX_REASON = 512
MAX_SHOWN_BODY = 4000
"""Bytes of a body that the page shows."""


@dataclass(slots=True)
class _MatchedRequest:
    """A request with its operation, and with the grant of its OAuth2 token if it has one."""

    operation: Operation
    path: str
    args: Mapping[str, str]
    grant: Grant | None = None

    @property
    def carries_token(self) -> bool:
        return "webhook_token" in self.args or "interaction_token" in self.args

    @property
    def major(self) -> str:
        """The major parameter: each channel, guild and webhook with its token has buckets of its own."""
        name = self.operation.segments[1] if len(self.operation.segments) > 1 else ""
        if name == "{webhook_id}":
            return f"{self.args['webhook_id']}:{self.args.get('webhook_token', '')}"
        return self.args[name[1:-1]] if name in ("{channel_id}", "{guild_id}") else ""


class RestApi:
    """The REST API of the sandbox. Tests may replace ``limits`` and ``invalid_requests``."""

    def __init__(self, world: World, gateway: GatewayInfo, settings: SandboxSettings) -> None:
        self.world = world
        self.gateway = gateway
        self.settings = settings
        self.limits = Limits(settings.global_limit, enabled=settings.rate_limits)
        self.invalid_requests = InvalidRequests()
        self.on_response: Callable[[dict[str, Any]], None] = lambda _request_report: None
        """Called with each request and its response while `has_viewers` is true: an open page shows them."""
        self.has_viewers: Callable[[], bool] = lambda: False
        self.on_write: Callable[[], None] = lambda: None
        """Called after each request that may have sent or changed something."""

    def routes(self) -> list[web.RouteDef]:
        """Return the aiohttp routes."""
        return [
            web.route("*", "/api/{path:.*}", self.api),
            web.get("/cdn/{path:.+}", self.file),
        ]

    async def file(self, request: web.Request) -> web.StreamResponse:
        """Serve an attachment, a sticker or an image."""
        found = self.world.model.files.read(request.match_info["path"])
        if found is None:
            return web.Response(status=404, text="Not Found")
        kind, data = found
        # A browser must not run an uploaded file on the sandbox's own origin.
        safe = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
        return web.Response(body=data, content_type=kind, headers=safe)

    async def api(self, request: web.Request) -> web.StreamResponse:
        """Answer one request and report it to open pages."""
        began = time.monotonic()
        sent: list[Any] = []
        response = await self._api(request, sent)
        if request.method != "GET":
            self.on_write()
        if self.has_viewers():
            self.on_response(_request_report(request, sent, response, time.monotonic() - began))
        return response

    async def _api(self, request: web.Request, sent: list[Any]) -> web.Response:
        now = asyncio.get_running_loop().time()
        if wait := self.invalid_requests.banned_for(now):
            return _banned(wait)
        found = _match_operation(request)
        if isinstance(found, Response):
            return _response(found)
        limited = self._admit(request, found, now)
        if isinstance(limited, Response):
            return self._count_and_respond(limited, None, now)
        if isinstance(limited, Limited):
            return self._rate_limited(limited, now)
        return await self._serve(request, sent, found, limited, now)

    def _admit(
        self, request: web.Request, matched: _MatchedRequest, now: float
    ) -> Allowed | Limited | Response:
        """Check the token, then the global limit, then the bucket."""
        authorization = request.headers.get("Authorization", "")
        matched.grant = self._grant_of(matched, authorization)
        known = matched.grant is not None or hmac.compare_digest(
            authorization.encode(), f"Bot {self.settings.token}".encode()
        )
        if not known and not matched.carries_token and matched.operation.operation_id not in UNAUTHENTICATED:
            return UNAUTHORIZED
        token = authorization if known and not matched.carries_token else ""
        if token and (limited := self.limits.take_global(token, now)):
            return limited
        rule = rule_for(matched.operation.operation_id, request.method, matched.args, time.time() * 1000)
        return self.limits.take(rule, token, matched.major, now)

    def _grant_of(self, matched: _MatchedRequest, authorization: str) -> Grant | None:
        """Return the grant of an OAuth2 token, if the operation accepts one."""
        scheme, _, token = authorization.partition(" ")
        takes = matched.operation.operation_id in SCOPES
        return self.world.granted(token) if takes and scheme.lower() == "bearer" else None

    async def _serve(
        self, request: web.Request, sent: list[Any], matched: _MatchedRequest, allowed: Allowed, now: float
    ) -> web.Response:
        try:
            body, files = await read_body(request)
        except InvalidBody:
            return _response(MISSING_BODY, allowed)
        except BodyTooLarge:
            return _response(TOO_LARGE, allowed)
        if limited := self._hidden_limit(matched, body, allowed, now):
            return self._rate_limited(limited, now)
        reason = unquote(request.headers.get("X-Audit-Log-Reason", "")) or None
        if reason is not None and len(reason) > MAX_REASON:
            return _response(_reason_too_long(), allowed)
        call = Call(
            self.world,
            matched.operation,
            matched.path,
            matched.args,
            dict(request.query),
            body,
            files,
            reason,
            self.gateway,
            matched.grant,
            {name: request.query.getall(name) for name in set(request.query)},
        )
        sent.append(body)
        return self._count_and_respond(self._call_route(call), allowed, now)

    def _call_route(self, call: Call) -> Response:
        try:
            return answer(call)
        except Exception:
            # A bug of the sandbox must not look like the bot's: a 500, with the traceback in the log.
            log.exception("%s %s failed in the sandbox", call.operation.method, call.operation.path)
            return INTERNAL_ERROR

    def _hidden_limit(
        self, matched: _MatchedRequest, body: Any, allowed: Allowed, now: float
    ) -> Limited | None:
        """Use the sub-limits that no header shows."""
        operation = matched.operation.operation_id
        if operation == "update_channel" and isinstance(body, dict) and body.keys() & {"name", "topic"}:
            return self.limits.take_hidden(CHANNEL_NAME, allowed, matched.major, now)
        if operation == "execute_webhook":
            hook = self.world.model.webhooks.get(_number(matched.args["webhook_id"]))
            if hook is not None:
                channel = str(hook.channel_id)
                return self.limits.take_hidden(WEBHOOK_CHANNEL, allowed, channel, now, scope="shared")
        return None

    def _rate_limited(self, limited: Limited, now: float) -> web.Response:
        self.invalid_requests.count(429, limited.scope, now)
        return _response(Response(429, rate_limited_body(limited)), limited)

    def _count_and_respond(self, response: Response, allowed: Allowed | None, now: float) -> web.Response:
        self.invalid_requests.count(response.status, None, now)
        return _response(response, allowed)


def _request_report(
    request: web.Request, sent: list[Any], response: web.Response, seconds: float
) -> dict[str, Any]:
    """Return a request as the page shows it: without the token, and with the start of each body."""
    response_body = response.body if isinstance(response.body, bytes) else b""
    return {
        "method": request.method,
        "path": request.rel_url.raw_path_qs.removeprefix("/api"),
        "status": response.status,
        "ms": round(seconds * 1000, 1),
        "bucket": response.headers.get("X-RateLimit-Bucket"),
        "remaining": response.headers.get("X-RateLimit-Remaining"),
        "limit": response.headers.get("X-RateLimit-Limit"),
        "retry_after": response.headers.get("Retry-After"),
        "sent": b"".join(msgspec.json.encode(each) for each in sent if each is not None)[
            :MAX_SHOWN_BODY
        ].decode("utf-8", "replace"),
        "answer": response_body[:MAX_SHOWN_BODY].decode("utf-8", "replace"),
    }


def _match_operation(request: web.Request) -> _MatchedRequest | Response:
    """Return the operation of ``/api/v10/...``, ``/api/v9/...`` or ``/api/...``, or the error response."""
    path = request.rel_url.raw_path.removeprefix("/api")
    first, _, rest = path.lstrip("/").partition("/")
    if first[:1] == "v" and first[1:].isdecimal():
        if first not in VERSIONS:
            return BAD_VERSION
        path = f"/{rest}"
    found = contract.match(request.method, path) or _undocumented_operation(request.method, path)
    if found is None:
        return METHOD_NOT_ALLOWED if _allows_other_method(request.method, path) else UNKNOWN_ROUTE
    operation, args = found
    return _MatchedRequest(operation, path, {name: unquote(value) for name, value in args.items()})


def _allows_other_method(method: str, path: str) -> bool:
    """Return whether the path exists with another method."""
    return any(contract.match(each, path) for each in METHODS if each != method)


def _undocumented_operation(method: str, path: str) -> tuple[Operation, Mapping[str, str]] | None:
    first, application_id, last = (path.strip("/").split("/") + [""] * 3)[:3]
    if (method, first, last, path.count("/")) != ("GET", "applications", "skus", 3):
        return None
    return LIST_SKUS, {"application_id": application_id}


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _reason_too_long() -> Response:
    problem = {
        "code": "BASE_TYPE_BAD_LENGTH",
        "message": f"Must be between 1 and {MAX_REASON} in length.",
    }
    return Response(400, invalid_form({"X-Audit-Log-Reason": {"_errors": [problem]}}))


def _response(response: Response, limit: Allowed | Limited | None = None) -> web.Response:
    all_headers = VIA if limit is None else {**VIA, **headers(limit, time.time())}
    if response.status == 204:
        return web.Response(status=204, headers=all_headers)
    is_json = response.content_type == "application/json"
    return web.Response(
        status=response.status,
        body=msgspec.json.encode(response.payload) if is_json else response.payload,
        content_type=response.content_type,
        headers=all_headers,
    )


def _banned(wait: float) -> web.Response:
    """Return the response of Discord's front end after too many invalid requests: no JSON, no Via."""
    return web.Response(
        status=429,
        text="error code: 1015",
        headers={"Retry-After": str(int(wait) + 1), "Server": "cloudflare"},
    )
