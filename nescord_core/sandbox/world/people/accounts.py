"""Actions with accounts: OAuth2, invites, presence, requests to join, purchases, activities; and outages."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from nescord_core.sandbox.world.extra_fields import extra_fields_of
from nescord_core.sandbox.world.lookup import ActionError, Ref
from nescord_core.sandbox.world.oauth_scopes import KNOWN_SCOPES
from nescord_core.sandbox.world.people.members import Payload, as_action_error
from nescord_core.sandbox.world.people.modals import ModalActions
from nescord_core.sandbox.world.simcord.model import SKU, SimcordModel, serializers
from nescord_core.sandbox.world.unmodelled_state import ExtraState, Grant

__all__ = ["AccountActions"]

WEEK = 604_800
MONTH = timedelta(days=30)
SKU_KINDS = {"durable": 2, "consumable": 3, "subscription": 5}
SKU_AVAILABLE = 1 << 2
SKU_SCOPES = {"guild": 1 << 7, "user": 1 << 8}
"""Flags (https://discord.com/developers/docs/resources/sku#sku-object-sku-flags)."""
TEXT, VOICE, STAGE = 0, 2, 13
STATUSES = ("online", "idle", "dnd", "offline")
ACTIVE, ENDING = 0, 1
"""States of a subscription (https://discord.com/developers/docs/resources/subscription)."""


class AccountActions(ModalActions):
    """Actions of users with their accounts."""

    def __init__(self, model: SimcordModel) -> None:
        super().__init__(model)
        self.extra_state = ExtraState()

    # OAuth2

    def authorize(self, user: Ref, scopes: str | Sequence[str] = "identify guilds") -> Payload:
        """Authorise the application as a user; returns the OAuth2 token."""
        actor = self.find_user(user)
        granted = frozenset(scopes.split() if isinstance(scopes, str) else scopes)
        if unknown := sorted(granted - KNOWN_SCOPES):
            known = ", ".join(sorted(KNOWN_SCOPES))
            raise ActionError(f"There is no scope {unknown[0]!r}. Known: {known}.")
        token = self.grant(actor.id, granted, seconds=WEEK)
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": WEEK,
            "scope": " ".join(sorted(granted)),
        }

    def grant(self, user_id: int, scopes: Collection[str], *, seconds: int) -> str:
        """Return a new OAuth2 token."""
        token = secrets.token_urlsafe(22)
        self.extra_state.oauth_grants[token] = Grant(
            user_id, frozenset(scopes), self.model.iso_after(seconds)
        )
        return token

    def granted(self, token: str) -> Grant | None:
        """Return the grant of a token, None if it is unknown or has expired."""
        grant = self.extra_state.oauth_grants.get(token)
        return None if grant is None or grant.expires_at <= self.model.now_iso() else grant

    def link_account(self, user: Ref, kind: str, name: str) -> Payload:
        """Link an account of another service (``github``, ``steam``) to a user."""
        linked: Payload = {
            "id": str(self.model.snowflake()),
            "name": name,
            "type": kind,
            "friend_sync": False,
            "show_activity": True,
            "two_way_link": False,
            "verified": True,
            "visibility": 1,
        }
        self.extra_state.connections.setdefault(self.find_user(user).id, []).append(linked)
        return linked

    # Invites

    def join(self, user: Ref, *, guild: Ref | None = None, invite: str | None = None) -> Payload:
        """Join a guild as a user, with an invite or without; an unknown name creates the user.

        An invite counts its uses, adds its roles, admits only its target users, and ends with its last use.
        """
        if invite is None:
            return super().join(user, guild=guild)
        actor = self.find_or_make_user(user)
        with as_action_error():
            found = self.model.get_invite(invite)
        target_users = self.extra_state.invite_targets.get(invite)
        if target_users is not None and actor.id not in target_users:
            raise ActionError(f"The invite {invite} is not for {actor.name}.", status=403)
        super().join(actor.id, guild=found.guild_id)
        for role in extra_fields_of(found).get("roles", ()):
            self.model.add_member_role(found.guild_id, actor.id, int(role["id"]))
        found.uses += 1
        if found.max_uses and found.uses >= found.max_uses:
            self.model.delete_invite(invite)
        return self.member(found.guild_id, actor.id)

    # Presence

    def set_presence(
        self, user: Ref, status: str = "online", activities: Sequence[Mapping[str, Any]] = ()
    ) -> Payload:
        """Set a user's status and activities; announces PRESENCE_UPDATE in each of their guilds.

        ``activity_instances`` are Discord's activity objects: ``{"name": "chess", "type": 0}``.
        """
        actor = self.find_user(user)
        if status not in STATUSES:
            raise ActionError(f"There is no status {status!r}. Known: {', '.join(STATUSES)}.")
        if any("name" not in each for each in activities):
            raise ActionError('An activity needs a name: {"name": "chess", "type": 0}.')
        payload = [{"type": 0, "created_at": self._now_ms(), **each} for each in activities]
        self.extra_state.presences[actor.id] = {
            "user": {"id": str(actor.id)},
            "status": status,
            "activities": payload,
            "client_status": {} if status == "offline" else {"desktop": status},
        }
        for guild_id in [each.id for each in self.model.guilds.values() if actor.id in each.members]:
            self.model.emit("PRESENCE_UPDATE", self.presence(actor.id, guild_id))
        return {"status": status, "activities": payload}

    def _now_ms(self) -> int:
        return int(self.model.clock.now().timestamp() * 1000)

    def presence(self, user_id: int, guild_id: int) -> Payload:
        """Return a user's presence in a guild. People are online at first, other bots are offline."""
        user = self.model.users[user_id]
        status = "offline" if user.bot else "online"
        start: Payload = {
            "user": {"id": str(user_id)},
            "status": status,
            "activities": [],
            "client_status": {} if user.bot else {"desktop": status},
        }
        return {**start, **self.extra_state.presences.get(user_id, {}), "guild_id": str(guild_id)}

    # Requests to join

    def request_to_join(self, user: Ref, *, guild: Ref | None = None) -> Payload:
        """Request to join a guild; announces GUILD_JOIN_REQUEST_CREATE. The bot approves or rejects it."""
        place, actor = self.find_guild(guild), self.find_or_make_user(user)
        if actor.id in place.members:
            raise ActionError(f"{actor.name} is already a member of {place.name}.", status=409)
        request: Payload = {
            "id": str(self.model.snowflake()),
            "created_at": self.model.now_iso(),
            "reviewed_at": None,
            "application_status": "SUBMITTED",
            "rejection_reason": None,
            "guild_id": str(place.id),
            "user_id": str(actor.id),
            "user": dict(serializers.user_payload(actor)),
            "form_responses": [],
        }
        self.extra_state.join_requests.setdefault(place.id, {})[int(request["id"])] = request
        self._publish_join_request("CREATE", request)
        return request

    def answer_join_request(
        self, guild_id: int, request: Payload, action: str, rejection_reason: str | None
    ) -> Payload:
        """Approve or reject a request to join, as the bot; announces it, and the new member."""
        request.update(
            application_status=action,
            reviewed_at=self.model.now_iso(),
            rejection_reason=rejection_reason if action == "REJECTED" else None,
            actioned_by_user=dict(serializers.user_payload(self.model.bot_user)),
        )
        self._publish_join_request("UPDATE", request)
        if action == "APPROVED" and int(request["user_id"]) not in self.model.guilds[guild_id].members:
            self.model.add_member(guild_id, int(request["user_id"]), announce=True)
        return request

    def _publish_join_request(self, what: str, request: Payload) -> None:
        payload = {
            "guild_id": request["guild_id"],
            "status": request["application_status"],
            "request": dict(request),
        }
        self.model.emit(f"GUILD_JOIN_REQUEST_{what}", payload)

    # Purchases

    def create_sku(self, name: str, kind: str = "subscription", scope: str = "user") -> Payload:
        """Create a SKU: durable, consumable or a subscription; for a user or a guild."""
        if kind not in SKU_KINDS:
            raise ActionError(f"There is no SKU kind {kind!r}. Known: {', '.join(SKU_KINDS)}.")
        if scope not in SKU_SCOPES:
            raise ActionError(f"There is no scope {scope!r}. Known: {', '.join(SKU_SCOPES)}.")
        flags = SKU_AVAILABLE | (SKU_SCOPES[scope] if kind == "subscription" else 0)
        with as_action_error():
            sku = self.model.create_sku(name, type=SKU_KINDS[kind], flags=flags)
        return dict(serializers.sku_payload(sku))

    def buy(self, user: Ref, sku: Ref) -> Payload:
        """Buy a SKU as a user; announces the entitlement, and for a subscription SUBSCRIPTION_CREATE."""
        actor, bought = self.find_user(user), self._sku(sku)
        with as_action_error():
            entitlement = self.model.grant_entitlement(bought.id, user_id=actor.id)
        payload = dict(serializers.entitlement_payload(entitlement))
        if bought.type != SKU_KINDS["subscription"]:
            return {"entitlement": payload}
        now = self.model.clock.now()
        subscription: Payload = {
            "id": str(self.model.snowflake()),
            "user_id": str(actor.id),
            "sku_ids": [str(bought.id)],
            "renewal_sku_ids": None,
            "entitlement_ids": [payload["id"]],
            "current_period_start": now.isoformat(),
            "current_period_end": (now + MONTH).isoformat(),
            "status": ACTIVE,
            "canceled_at": None,
        }
        self.extra_state.subscriptions[int(subscription["id"])] = subscription
        self.model.emit("SUBSCRIPTION_CREATE", subscription)
        return {"entitlement": payload, "subscription": subscription}

    def cancel(self, user: Ref, sku: Ref) -> Payload:
        """Cancel a subscription as a user; it runs until the end of its month."""
        actor, cancelled = self.find_user(user), self._sku(sku)
        for each in self.extra_state.subscriptions.values():
            if each["user_id"] == str(actor.id) and each["sku_ids"] == [str(cancelled.id)]:
                each.update(status=ENDING, canceled_at=self.model.now_iso())
                end = datetime.fromisoformat(each["current_period_end"])
                self.model.schedule_entitlement_end(int(each["entitlement_ids"][0]), end)
                self.model.emit("SUBSCRIPTION_UPDATE", dict(each))
                return each
        raise ActionError(f"{actor.name} has no subscription to {cancelled.name}.", status=404)

    def _sku(self, sku: Ref) -> SKU:
        skus = self.model.skus
        for each in skus.values():
            if str(sku) in (str(each.id), each.name):
                return each
        known = ", ".join(each.name for each in skus.values()) or "none; create one with POST /sandbox/skus"
        raise ActionError(f"There is no SKU {sku!r}. Known: {known}.", status=404)

    # Outages

    def set_available(self, guild: Ref, available: bool = True) -> None:
        """Start an outage of a guild (GUILD_DELETE with ``unavailable``), or end it (GUILD_CREATE)."""
        place = self.find_guild(guild)
        if available is (place.id not in self.extra_state.unavailable_guilds):
            return
        if available:
            self.extra_state.unavailable_guilds.discard(place.id)
            payload = serializers.guild_create_payload(self.model, place)
            self.model.emit("GUILD_CREATE", payload)
        else:
            self.extra_state.unavailable_guilds.add(place.id)
            self.model.emit("GUILD_DELETE", {"id": str(place.id), "unavailable": True})

    # Activities

    def start_activity(self, channel: Ref, user: Ref, *, guild: Ref | None = None) -> Payload:
        """Start the application's activity in a channel, or join it; returns the activity instance."""
        place, actor = self.find_channel(channel, guild), self.find_user(user)
        if place.type not in (TEXT, VOICE, STAGE) and place.guild_id is not None:
            raise ActionError(f"Activities cannot be started in #{place.name}.")
        for each in self.extra_state.activity_instances.values():
            if each["location"]["channel_id"] == str(place.id):
                each["users"] = list(dict.fromkeys([*each["users"], str(actor.id)]))
                return each
        location = {"id": f"gc-{place.guild_id}-{place.id}", "kind": "gc", "channel_id": str(place.id)}
        if place.guild_id is None:
            location |= {"id": f"pc-{place.id}", "kind": "pc"}
        else:
            location["guild_id"] = str(place.guild_id)
        launch = self.model.snowflake()
        instance: Payload = {
            "application_id": str(self.model.application_id),
            "instance_id": f"i-{launch}-{location['id']}",
            "launch_id": str(launch),
            "location": location,
            "users": [str(actor.id)],
        }
        self.extra_state.activity_instances[instance["instance_id"]] = instance
        return instance
