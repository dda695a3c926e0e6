"""The Python types of the objects in responses, for the scripts that generate code from contract.json."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from schema_types import properties, resolve

from nescord_core.discord_api import contract
from nescord_core.discord_api.contract import Schema

BY_HAND = {
    "Application": "ApplicationResponse IntegrationApplicationResponse BasicApplicationResponseWithBot",
    "ApplicationCommand": "ApplicationCommandResponse",
    "Attachment": "AttachmentResponse MessageAttachmentResponse",
    "AuditLogEntry": "AuditLogEntryResponse",
    "AutoModerationRule": """DefaultKeywordRuleResponse KeywordRuleResponse MLSpamRuleResponse
        MentionSpamRuleResponse UserProfileRuleResponse""",
    "Ban": "GuildBanResponse",
    "Channel": """GuildChannelResponse PrivateChannelResponse PrivateGroupChannelResponse ThreadResponse
        CreatedThreadResponse""",
    "CommandPermissions": "CommandPermissionsResponse",
    "DefaultReaction": "DefaultReactionEmojiResponse",
    "Emoji": "EmojiResponse SettingsEmojiResponse",
    "Entitlement": "EntitlementResponse",
    "Guild": "GuildResponse GuildWithCountsResponse MyGuildResponse GuildPreviewResponse",
    "IncidentsData": "GuildIncidentsDataResponse",
    "Integration": """DiscordIntegrationResponse ExternalConnectionIntegrationResponse
        GuildSubscriptionIntegrationResponse PartialDiscordIntegrationResponse
        PartialExternalConnectionIntegrationResponse PartialGuildSubscriptionIntegrationResponse""",
    "IntegrationAccount": "AccountResponse",
    "Invite": "FriendInviteResponse GroupDMInviteResponse GuildInviteResponse",
    "JoinRequest": "GuildJoinRequestResponse",
    "LobbyMember": "LobbyMemberResponse MessageLobbyMemberResponse",
    "Member": "GuildMemberResponse PrivateGuildMemberResponse",
    "Message": "MessageResponse SearchMessageResponse BasicMessageResponse",
    "Overwrite": "ChannelPermissionOverwriteResponse",
    "Role": "GuildRoleResponse",
    "RoleColors": "GuildTemplateRoleColorsResponse",
    "ScheduledEvent": """ExternalScheduledEventResponse StageScheduledEventResponse
        VoiceScheduledEventResponse""",
    "ScheduledEventException": "GuildScheduledEventExceptionResponse",
    "ScheduledEventUser": "ScheduledEventUserResponse",
    "SoundboardSound": "SoundboardSoundResponse",
    "StageInstance": "StageInstanceResponse",
    "Sticker": "GuildStickerResponse StandardStickerResponse",
    "Subscription": "SubscriptionResponse",
    "ThreadMember": "ThreadMemberResponse",
    "User": "UserResponse UserPIIResponse",
    "VoiceState": "VoiceStateResponse",
    "WelcomeScreen": "GuildWelcomeScreenResponse",
}
"""Classes of nescord_core.payloads that are written by hand, with the schemas that they read."""

ALIKE = {
    "ActivityLocation": "GuildChannelLocation PrivateChannelLocation",
    "ApplicationEmojis": "ListApplicationEmojisResponse",
    "ApplicationInstallParams": "ApplicationOAuth2InstallParamsResponse",
    "AuthorizationInfo": "OAuth2GetAuthorizationResponse",
    "CallbackInteraction": "InteractionResponse",
    "CallbackResource": """CreateMessageInteractionCallbackResponse LaunchActivityInteractionCallbackResponse
        UpdateMessageInteractionCallbackResponse""",
    "GatewaySessionStartLimit": "GatewayBotSessionStartLimitResponse",
    "GuildOnboarding": "GuildOnboardingResponse UserGuildOnboardingResponse",
    "GuildSearch": "GuildSearchResponse SearchIndexNotReadyResponse",
    "GuildSoundboardSounds": "ListGuildSoundboardSoundsResponse",
    "GuildTemplateTag": "GuildTemplateChannelTags",
    "JoinRequests": "GuildJoinRequestsListResponse",
    "OpenIDUserInfo": "OAuth2GetOpenIDConnectUserInfoResponse",
    "PollVoters": "PollAnswerDetailsResponse",
    "PublicKey": "OAuth2Key",
    "PublicKeys": "OAuth2GetKeys",
    "RoleConnection": "ApplicationUserRoleConnectionResponse",
    "RoleConnectionMetadata": "ApplicationRoleConnectionsMetadataItemResponse",
    "Threads": "ThreadsResponse",
    "ThreadSearch": "ThreadSearchResponse SearchIndexNotReadyResponse",
    "Webhook": """ApplicationIncomingWebhookResponse ChannelFollowerWebhookResponse
        GuildIncomingWebhookResponse""",
}
"""Generated classes whose name is not the schema's without Response: alternatives share a class."""

EXTENDS = {"PrivateApplication": "Application"}
"""Generated classes that add fields to a class written by hand."""

Classes = dict[str, list[Schema]]


def _by_schema(table: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    return ((schema, name) for name, schemas in table.items() for schema in schemas.split())


_BY_HAND = dict(_by_schema(BY_HAND))


def classes_of(schemas: set[str]) -> set[str | None]:
    """Return the classes that read an object of one of these schemas; None for a schema without fields."""
    if schemas in (set(group.split()) for group in ALIKE.values()):
        return {name for name, group in ALIKE.items() if set(group.split()) == schemas}
    return {class_of(name) for name in schemas}


def class_of(schema: str) -> str | None:
    """Return the class that reads objects of a schema."""
    if name := _BY_HAND.get(schema):
        return name
    if not properties(contract.schemas()[schema]):
        return None
    groups = [name for name, group in ALIKE.items() if schema in group.split()]
    return groups[0] if groups else schema.removesuffix("Response")


def named(schema: Schema) -> set[str]:
    """Return the names of the schema's alternatives."""
    alternatives = (schema, *schema.get("oneOf", ()), *schema.get("anyOf", ()))
    return {each.get("$ref", "").rsplit("/", 1)[-1] for each in alternatives} - {""}


def generated() -> Classes:
    """Return the classes to generate, with the schemas that each reads, in order of name."""
    found: Classes = {}
    for operation in contract.operations().values():
        for status, content in operation.responses.items():
            if status.startswith("2") and "application/json" in content:
                _collect(content["application/json"], found)
    return dict(sorted(found.items()))


def _collect(schema: Schema, found: Classes) -> None:
    if "$ref" not in schema:
        parts = (*schema.get("oneOf", ()), *schema.get("anyOf", ()), *schema.get("properties", {}).values())
        for part in (*parts, schema.get("items"), schema.get("additionalProperties")):
            if isinstance(part, Mapping):
                _collect(part, found)
        return
    name = schema["$ref"].rsplit("/", 1)[-1]
    known = class_of(name)
    if name in _BY_HAND or known is None or known in found:
        return
    found[known] = [contract.schemas()[each] for each in ALIKE.get(known, name).split()]
    for each in found[known]:
        for value in properties(each).values():
            _collect(value, found)


def field_type(name: str, schema: Schema) -> str:
    """Return the annotation of a field, without None."""
    if names := {each for each in named(schema) if each != "SnowflakeType"}:
        known = classes_of(names)
        if len(known) == 1 and None not in known:
            return str(known.pop())
    whole = resolve(schema)
    if schema.get("$ref", "").endswith("/SnowflakeType"):
        return "int"
    kinds = {_kind(name, part) for part in (*whole.get("oneOf", ()), *whole.get("anyOf", ()))}
    kinds |= {_kind(name, whole)} if "type" in whole or not kinds else set()
    kinds -= {"None"}
    return kinds.pop() if len(kinds) == 1 else "Any"


def _kind(name: str, schema: Schema) -> str:
    if "$ref" in schema:
        return field_type(name, schema)
    kinds = schema.get("type", "any")
    kind = next((each for each in ([kinds] if isinstance(kinds, str) else kinds) if each != "null"), "null")
    if kind == "array":
        return f"list[{field_type('', schema.get('items', {}))}]"
    if kind == "object" and isinstance(values := schema.get("additionalProperties"), Mapping):
        return f"dict[{_key(schema)}, {field_type(name, values)}]"
    if kind == "string" and re.search(r"permissions(_new)?$", name):
        return "int"
    return {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}.get(
        kind, "Any"
    )


def _key(schema: Schema) -> str:
    """Return the type of an object's keys: ids become int, as everywhere else."""
    return "int" if schema.get("propertyNames", {}).get("$ref", "").endswith("/SnowflakeType") else "str"


def optional(name: str, schemas: list[Schema]) -> bool:
    """Return whether a field may be absent or null."""
    for schema in map(resolve, schemas):
        value = properties(schema).get(name)
        if value is None or name not in schema.get("required", ()):
            return True
        kinds = resolve(value).get("type", ())
        nulls = [part for part in value.get("oneOf", ()) if part.get("type") == "null"]
        if "null" in kinds or nulls:
            return True
    return False
