"""The bot's application: its settings, emoji, SKUs, subscriptions and entitlements; and the gateway's URL.

https://discord.com/developers/docs/resources/application
"""

from __future__ import annotations

from typing import Any

from nescord_core.sandbox.http.images import store_emoji, store_images
from nescord_core.sandbox.http.model_routes import model_answer
from nescord_core.sandbox.http.operation_call import Call, Response, Routes, invalid_field, not_found
from nescord_core.sandbox.world.simcord.model import BackendError, serializers
from nescord_core.sandbox.world.world import World

__all__ = ["LIMITED_INTENT_FLAGS", "ROUTES", "application_payload", "partial_application"]

ROUTES = Routes()
EDITABLE = frozenset(
    {
        "cover_image",
        "custom_install_url",
        "description",
        "event_webhooks_status",
        "event_webhooks_types",
        "event_webhooks_url",
        "explicit_content_filter",
        "flags",
        "icon",
        "install_params",
        "integration_types_config",
        "interactions_endpoint_url",
        "max_participants",
        "role_connections_verification_url",
        "tags",
        "type",
    }
)
LIMITED_INTENT_FLAGS = 1 << 13 | 1 << 15 | 1 << 19
"""Flags of an application in fewer than 100 guilds that may use presences, members and message content; the
only flags that it can change itself
(https://discord.com/developers/docs/resources/application#edit-current-application)."""
NULLABLE = frozenset({"interactions_endpoint_url", "role_connections_verification_url", "icon", "type"})

ROUTES.answered_by(
    model_answer,
    "list_application_emojis",
    "get_application_emoji",
    "update_application_emoji",
    "delete_application_emoji",
    "get_entitlements",
    "create_entitlement",
    "get_entitlement",
    "delete_entitlement",
    "consume_entitlement",
)


@ROUTES.answers("create_application_emoji")
def _create_application_emoji(call: Call) -> Any:
    emoji = model_answer(call)
    store_emoji(call, emoji)
    return emoji


@ROUTES.answers("get_gateway")
def _get_gateway(call: Call) -> Any:
    assert call.gateway is not None
    return {"url": call.gateway.url}


@ROUTES.answers("get_bot_gateway")
def _get_bot_gateway(call: Call) -> Any:
    assert call.gateway is not None
    limit = dict(call.gateway.session_start_limit())
    answer = {"url": call.gateway.url, "shards": call.gateway.shards, "session_start_limit": limit}
    # Discord has no such field: with it, nescord knows that events of an earlier start are of no use.
    return {**answer, "sandbox_world": call.gateway.world_name}


def application_payload(sandbox: World) -> dict[str, Any]:
    """Return the bot's application as GET /applications/@me returns it."""
    model = sandbox.model
    owner = next(each for each in model.users.values() if not each.bot)
    return {
        "id": str(model.application_id),
        "name": model.bot_user.name,
        "icon": None,
        "description": "",
        "summary": "",
        "bot_public": True,
        "bot_require_code_grant": False,
        "flags": LIMITED_INTENT_FLAGS,
        "flags_new": str(LIMITED_INTENT_FLAGS),
        "owner": dict(serializers.user_payload(owner)),
        "team": None,
        "bot": sandbox.bot_user,
        "type": None,
        "tags": [],
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "approximate_guild_count": len(model.guilds),
        **sandbox.extra_state.application,
    }


def partial_application(sandbox: World) -> dict[str, Any]:
    """Return the application as part of integrations and invites."""
    whole = application_payload(sandbox)
    names = ("id", "name", "icon", "description", "summary", "flags", "flags_new", "bot_public")
    return {
        **{name: whole[name] for name in (*names, "bot_require_code_grant", "bot")},
        "verify_key": "0" * 64,
    }


@ROUTES.answers("get_my_application", "get_my_oauth2_application")
def _get_my_application(call: Call) -> Any:
    return application_payload(call.world)


@ROUTES.answers("get_application")
def _get_application(call: Call) -> Any:
    call.require_own_application()
    return application_payload(call.world)


@ROUTES.answers("update_my_application", "update_application")
def _update_application(call: Call) -> Any:
    if "application_id" in call.args:
        call.require_own_application()
    if call.form.get("team_id") is not None:
        raise NotImplementedError("the sandbox does not support teams (team_id)")
    fields = {key: value for key, value in call.form.items() if key in EDITABLE}
    if int(fields.get("flags") or 0) & ~LIMITED_INTENT_FLAGS:
        raise invalid_field(
            "flags", "APPLICATION_FLAGS_INVALID", "Only the flags of limited intents can be changed."
        )
    if fields.get("interactions_endpoint_url"):
        raise NotImplementedError("the sandbox sends interactions over the gateway, not to a URL")
    changes = store_images(call, {k: v for k, v in fields.items() if v is not None or k in NULLABLE})
    if isinstance(described := changes.get("description"), dict):
        changes["description"] = described.get("default") or ""
    call.world.extra_state.application.update(changes)
    return application_payload(call.world)


@ROUTES.answers("get_application_role_connections_metadata", "update_application_role_connections_metadata")
def _role_connections_metadata(call: Call) -> Any:
    call.require_own_application()
    if call.operation.method == "PUT":
        call.world.extra_state.role_connections = list(call.body or ())
    return call.world.extra_state.role_connections


@ROUTES.answers("get_public_keys")
def _get_public_keys(_call: Call) -> Any:
    return {"keys": []}


# SKUs and subscriptions


@ROUTES.answers("list_skus")
def _list_skus(call: Call) -> Any:
    call.require_own_application()
    return [serializers.sku_payload(each) for each in call.world.model.skus.values()]


@ROUTES.answers("get_sku_subscriptions")
def _get_sku_subscriptions(call: Call) -> Any:
    """List a user's subscriptions to a SKU; as on Discord, the bot must name the user."""
    sku_id, user_id = call.args["sku_id"], call.query.get("user_id")
    if call.id("sku_id") not in call.world.model.skus:
        raise not_found(10027, "SKU")
    if user_id is None and call.grant is None:
        raise invalid_field("user_id", "BASE_TYPE_REQUIRED", "This field is required")
    of_user = user_id or str(call.actor_id)
    after, before = int(call.query.get("after", 0)), int(call.query.get("before", 0)) or 1 << 64
    found = [
        each
        for each in call.world.extra_state.subscriptions.values()
        if sku_id in each["sku_ids"] and each["user_id"] == of_user and after < int(each["id"]) < before
    ]
    return found[: int(call.query.get("limit", 50))]


@ROUTES.answers("get_sku_subscription")
def _get_sku_subscription(call: Call) -> Any:
    found = call.world.extra_state.subscriptions.get(call.id("subscription_id"))
    if found is None or call.args["sku_id"] not in found["sku_ids"]:
        raise not_found(10091, "Subscription")
    return found


# Activities and attachments


@ROUTES.answers("applications_get_activity_instance")
def _get_activity_instance(call: Call) -> Any:
    call.require_own_application()
    found = call.world.extra_state.activity_instances.get(call.args["instance_id"])
    if found is None:
        raise BackendError(404, 0, "404: Not Found")
    return found


@ROUTES.answers("upload_application_attachment")
def _upload_application_attachment(call: Call) -> Any:
    call.require_own_application()
    if not call.files:
        raise invalid_field("file", "BASE_TYPE_REQUIRED", "This field is required")
    model, file = call.world.model, call.files[0]
    stored = model.files.store_attachment(
        model.snowflake(), model.application_id, file.filename, file.data, file.description
    )
    return Response(200, {"attachment": {**stored, "ephemeral": True}})
