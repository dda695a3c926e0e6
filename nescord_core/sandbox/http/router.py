"""Answers operations of the API: checks the request, calls its route, completes the response. No sockets."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from nescord_core.discord_api import contract
from nescord_core.sandbox.http.audit_log import write_audit_log
from nescord_core.sandbox.http.message_rules import message_problems, nested
from nescord_core.sandbox.http.normalization import normalized
from nescord_core.sandbox.http.operation_call import Call, Response, Route
from nescord_core.sandbox.http.refusals.check import check_refusals
from nescord_core.sandbox.http.routes import (
    applications,
    channels,
    commands,
    expressions,
    guilds,
    interactions,
    invites,
    members,
    messages,
    moderation,
    roles,
    scheduled_events,
    search,
    users,
    voice,
    webhooks,
)
from nescord_core.sandbox.http.routes.social_sdk import lobbies, partner_sdk
from nescord_core.sandbox.http.validation import (
    check_body,
    check_path,
    check_query,
    convert_scalars,
    invalid_form,
)
from nescord_core.sandbox.world.oauth_scopes import SCOPES
from nescord_core.sandbox.world.required_fields import complete_answer
from nescord_core.sandbox.world.simcord.model import BackendError, RouteNotImplemented, UnsupportedField

__all__ = ["MISSING_BODY", "UNKNOWN_ROUTE", "answer", "routes_table"]

log = logging.getLogger(__name__)

ROUTES: Mapping[str, Route] = {
    operation_id: route
    for routes in (
        applications.ROUTES,
        channels.ROUTES,
        commands.ROUTES,
        expressions.ROUTES,
        guilds.ROUTES,
        interactions.ROUTES,
        invites.ROUTES,
        lobbies.ROUTES,
        members.ROUTES,
        messages.ROUTES,
        moderation.ROUTES,
        partner_sdk.ROUTES,
        roles.ROUTES,
        scheduled_events.ROUTES,
        search.ROUTES,
        users.ROUTES,
        voice.ROUTES,
        webhooks.ROUTES,
    )
    for operation_id, route in routes.items()
}
"""The route of each operation, by operationId."""

UNKNOWN_ROUTE = Response(404, {"message": "404: Not Found", "code": 0})
MISSING_BODY = Response(400, {"message": "The request body contains invalid JSON.", "code": 50109})
PARTLY_IMPLEMENTED: Mapping[str, str] = {
    "add_group_dm_user": "no group DMs; responds as for any other channel",
    "delete_group_dm_user": "no group DMs; responds as for any other channel",
    "create_dm": "no group DMs (access_tokens)",
    "update_application": "no teams (team_id), no interactions over HTTP (interactions_endpoint_url)",
    "update_my_application": "no teams (team_id), no interactions over HTTP (interactions_endpoint_url)",
}
"""Operations that lack something, with what; using it gets a 501 that names it."""
NOT_IMPLEMENTED: Mapping[str, str] = {
    "partner_sdk_token": "needs another identity provider",
    "partner_sdk_unmerge_provisional_account": "needs another identity provider",
}


def answer(call: Call) -> Response:
    """Answer a call: check it against the OpenAPI document, call the route, complete the response."""
    operation = call.operation
    scopes = SCOPES.get(operation.operation_id)
    if call.grant is not None and scopes and not call.grant.scopes & set(scopes):
        return Response(403, {"message": "Missing required OAuth2 scope", "code": 50026})
    call = replace(call, body=convert_scalars(operation, call.body))
    problems = {
        **check_path(operation, call.args),
        **check_query(operation, call.query),
        **check_body(operation, call.body, [each.field_name for each in call.files]),
    }
    if not problems:
        call = replace(call, body=normalized(operation.operation_id, call.body))
        problems = message_problems(operation.operation_id, call.body)
    return Response(400, invalid_form(problems)) if problems else _call_route(call)


def _call_route(call: Call) -> Response:
    name = f"{call.operation.method} {call.operation.path}"
    route = ROUTES.get(call.operation.operation_id)
    if route is None:
        return _not_implemented(f"The sandbox does not support {name}.")
    try:
        check_refusals(call)
        with write_audit_log(call) as responses:
            responses.append(route(call))
        return _complete_response(call, responses[0])
    except (RouteNotImplemented, UnsupportedField) as error:
        fields = ", ".join(getattr(error, "fields", ()))
        return _not_implemented(f"The sandbox does not support {fields and f'the field {fields} of '}{name}.")
    except NotImplementedError as error:
        return _not_implemented(f"{name}: {error}")
    except BackendError as error:
        return _error_response(error)


def _not_implemented(sentence: str) -> Response:
    log.warning("501: %s", sentence)
    return Response(501, {"message": sentence, "code": 0})


def _error_response(error: BackendError) -> Response:
    """Return Discord's error, with ``errors`` made from the message where the model names a field in it."""
    body = error.to_json()
    if error.code == 50035 and "errors" not in body:
        detail = error.message.removeprefix("Invalid Form Body").lstrip(": ") or "Invalid value."
        body = invalid_form(_errors_at_path(detail))
    return Response(error.status, body)


def _errors_at_path(detail: str) -> dict[str, Any]:
    """Return the ``errors`` for a message such as ``components.[0].components[1]: ...``."""
    found = ERROR_PATH.fullmatch(detail)
    path, text = (found[1], found[2]) if found else ("", detail)
    names = [each for each in re.split(r"[.\[\]]+", path) if each]
    code = next((code for words, code in ERROR_CODES.items() if words in text), "BASE_TYPE_INVALID")
    return nested(names, {"_errors": [{"code": code, "message": text[:1].upper() + text[1:]}]})


def _complete_response(call: Call, result: Any) -> Response:
    """Return the response with the status that the document names, and with its JSON completed."""
    found = result if isinstance(result, Response) else Response(_success_status(call, result), result)
    if found.status == 204 or found.content_type != "application/json":
        return found
    return Response(found.status, complete_answer(call.operation, found.status, found.payload))


def _success_status(call: Call, payload: Any) -> int:
    statuses = sorted(int(each) for each in call.operation.responses if each.isdecimal() and each < "300")
    flag = BODY_ON_REQUEST.get(call.operation.operation_id)
    if flag is not None:
        with_body = call.query.get(flag, "false").lower() in ("true", "1")
        return 200 if with_body and payload is not None else 204
    if payload is None:
        return 204 if 204 in statuses or not statuses else statuses[0]
    bodied = [each for each in statuses if each != 204]
    return bodied[0] if bodied else 204


BODY_ON_REQUEST: Mapping[str, str] = {
    "create_interaction_response": "with_response",
    "execute_webhook": "wait",
}
"""Operations that respond with 204 unless this query parameter asks for a body."""


ERROR_PATH = re.compile(r"([a-z_]+(?:[.\[][\w.\[\]]*)?): (.+)", re.DOTALL)
ERROR_CODES: Mapping[str, str] = {
    "has no uploaded file": "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND",
    "is not unique": "COMPONENT_CUSTOM_ID_DUPLICATED",
    "is required": "BASE_TYPE_REQUIRED",
    "must be a string": "BASE_TYPE_REQUIRED",
    "in length": "BASE_TYPE_BAD_LENGTH",
}
"""Discord's error codes, by words in the model's message."""


def routes_table() -> Iterable[tuple[str, str, str]]:
    """Return (method, path, ``done`` | ``partly`` | ``missing``) for every operation of the API."""
    rows = []
    for operation in contract.operations().values():
        state = "done" if operation.operation_id in ROUTES else "missing"
        if operation.operation_id in PARTLY_IMPLEMENTED:
            state = "partly"
        if operation.operation_id in NOT_IMPLEMENTED:
            state = "missing"
        rows.append((operation.method, operation.path, state))
    return sorted(rows, key=lambda row: (row[1], row[0]))
