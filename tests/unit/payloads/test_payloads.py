from __future__ import annotations

import copy
import json
import pickle
import typing
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nescord_core import payloads
from nescord_core.discord_api import contract
from nescord_core.envelope import Envelope
from nescord_core.events import EventType
from nescord_core.payloads import (
    PAYLOADS,
    AuditLogChange,
    Channel,
    CommandOption,
    Interaction,
    Member,
    Message,
    Overwrite,
    Payload,
    Role,
    RoleTags,
    User,
    View,
    payload_of,
)
from nescord_core.snowflake import from_ms

ID = "1234567890123456789"


def envelope(type_: str, data: Any, **facts: Any) -> Envelope:
    known = Envelope(0, "session", 1, type_, 0, 0, json.dumps(data).encode(), 100.0)
    return known._replace(**facts)


def test_every_event_has_a_payload_class() -> None:
    assert set(PAYLOADS) == set(EventType)
    for event in EventType:
        made = payload_of(envelope(event.value, {}), 0.0)
        assert type(made) is PAYLOADS[event]
        assert made.event.type is event


def every_class() -> list[type[View]]:
    values = (getattr(payloads, name) for name in payloads.__all__)
    return [
        each
        for each in values
        if isinstance(each, type) and issubclass(each, View) and each not in (View, Payload)
    ]


@pytest.mark.parametrize("cls", every_class(), ids=lambda cls: cls.__name__)
def test_every_field_of_every_class_reads_as_none_when_absent(cls: type[View]) -> None:
    view = cls({})
    for name in typing.get_type_hints(cls):
        if not name.startswith("_") and name not in ("raw", "event"):
            assert getattr(view, name) is None, name


def test_nothing_is_decoded_before_a_field_is_read() -> None:
    view = payload_of(envelope("MESSAGE_CREATE", None)._replace(data=b"not json"), 0.0)
    assert view.event.seq == 1
    with pytest.raises(ValueError, match="JSON"):
        _ = view.raw


def test_fields_carry_discords_names_and_ids_are_int() -> None:
    view = payload_of(
        envelope(
            "MESSAGE_CREATE",
            {
                "id": ID,
                "content": "hi",
                "author": {"id": "7", "username": "ada", "global_name": None},
                "mentions": [{"id": "9", "member": {"roles": ["1", "2"]}}],
                "mention_roles": ["3"],
                "nonce": "0123",
            },
        ),
        0.0,
    )
    assert isinstance(view, Message)
    assert (view.id, view.content, view.author.id, view.author.username) == (int(ID), "hi", 7, "ada")
    assert isinstance(view.author, User)
    assert view.author.global_name is None
    member = view.mentions[0].member
    assert member is not None
    assert member.roles == [1, 2]
    assert view.mention_roles == [3]
    assert view.nonce == "0123"
    assert view.poll is None


def test_what_was_read_once_is_a_plain_attribute() -> None:
    view = Message({"id": ID, "author": {"id": "1"}})
    assert view.author is view.author
    assert view.__dict__["author"] is view.author


def test_unknown_fields_are_readable_at_every_level() -> None:
    view: Any = Message(
        {"id": "1", "brand_new": [{"deep": {"x_id": ID}}], "author": {"shiny": True, "friend_ids": [ID]}}
    )
    assert view.brand_new[0].deep.x_id == int(ID)
    assert view.author.shiny is True
    assert view.author.friend_ids == [int(ID)]
    assert view.raw["brand_new"] == [{"deep": {"x_id": ID}}]
    assert (view["id"], view["brand_new"][0].raw) == (1, {"deep": {"x_id": ID}})
    assert "brand_new" in view
    assert "poll" not in view
    assert "brand_new" in dir(view)


def test_an_id_that_the_developer_chose_stays_text() -> None:
    assert Payload({"custom_id": ID}).custom_id == ID
    assert Payload({"party_id": "42"}).party_id == "42"


def test_a_name_that_nobody_knows_is_an_error_with_a_suggestion() -> None:
    view: Any = Message({"id": "1", "content": ""})
    with pytest.raises(AttributeError, match="Message has no field 'contnet'") as caught:
        _ = view.contnet
    assert (caught.value.name, caught.value.obj) == (
        "contnet",
        view,
    )  # what Python's own "Did you mean" needs
    with pytest.raises(KeyError):
        _ = view["contnet"]


def test_an_event_of_an_unknown_type_is_kept() -> None:
    view = payload_of(envelope("TOMORROW_CREATE", {"guild_id": ID, "thing": {"a": 1}}), 0.0)
    assert type(view) is Payload
    assert view.event.type == "TOMORROW_CREATE"
    assert (view.guild_id, view.thing.a) == (int(ID), 1)


@pytest.mark.parametrize("data", [None, [], 5])
def test_an_event_without_an_object_has_no_fields(data: Any) -> None:
    """RESUMED may carry null."""
    view = payload_of(envelope("RESUMED", data), 0.0)
    assert view.raw == {}
    assert "x" not in view


def test_event_info_is_the_identity_shard_session_and_sequence_number() -> None:
    view = payload_of(
        envelope("GUILD_CREATE", {}, shard_id=3, session_id="abc", seq=7, guild_id=9, redelivered=True), 102.5
    )
    info = view.event
    assert (info.shard_id, info.session_id, info.seq, info.guild_id) == (3, "abc", 7, 9)
    assert (info.redelivered, info.received_at, info.age, info.stale) == (True, 100.0, 2.5, False)
    assert payload_of(envelope("READY", {}), 0.0).event.guild_id is None
    assert payload_of(envelope("READY", {}), 50.0).event.age == 0.0, "the clock was set back meanwhile"


def test_objects_within_a_payload_have_no_event_of_their_own() -> None:
    view = payload_of(envelope("MESSAGE_CREATE", {"author": {}}), 0.0)
    assert isinstance(view, Message)
    with pytest.raises(AttributeError, match="ask the payload itself"):
        _ = view.author.event


NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("redelivered", "made", "received", "stale"),
    [
        (False, NOW - 1, NOW - 1, False),
        (True, NOW - 1, NOW - 1, False),
        (True, NOW - 10, NOW - 10, True),
        (True, NOW - 10, NOW - 0.1, True),  # brought by a RESUME: received just now, created long ago
        (False, NOW - 10, NOW - 10, True),  # waited in ws while main was away
        (False, NOW - 10, NOW - 0.1, False),  # only the clocks differ
    ],
)
def test_an_interaction_past_three_seconds_is_stale(
    redelivered: bool, made: float, received: float, stale: bool
) -> None:
    """protocol.md, 27: a redelivered interaction older than 3 s is stale."""
    data = {"id": str(from_ms(int(made * 1000)))}
    event = envelope("INTERACTION_CREATE", data, received_at=received, redelivered=redelivered)
    assert payload_of(event, NOW).event.stale is stale
    assert payload_of(event._replace(type="MESSAGE_CREATE"), NOW).event.stale is False


def test_permission_bit_sets_are_int() -> None:
    assert Overwrite({"allow": "8", "deny": "0"}).allow == 8
    assert Interaction({"app_permissions": "2251799813685247"}).app_permissions == (1 << 51) - 1


def test_role_tags_that_discord_sends_as_null_are_true() -> None:
    tags = RoleTags({"premium_subscriber": None, "bot_id": "5"})
    assert (tags.premium_subscriber, tags.guild_connections, tags.bot_id) == (True, False, 5)
    assert tags["premium_subscriber"] is True


def test_an_option_that_names_a_user_holds_the_id() -> None:
    assert CommandOption({"type": 6, "value": ID}).value == int(ID)
    assert CommandOption({"type": 3, "value": ID}).value == ID
    assert CommandOption({"type": 5, "value": False}).value is False
    assert CommandOption({"type": 1}).value is None


def test_resolved_objects_are_found_by_int_id() -> None:
    view = Interaction(
        {
            "data": {"resolved": {"users": {ID: {"username": "ada"}}, "members": {ID: {"nick": "a"}}}},
            "member": {"user": {"id": "4"}},
        }
    )
    assert view.data is not None
    resolved = view.data.resolved
    assert resolved is not None
    assert resolved.users is not None
    assert resolved.users[int(ID)].username == "ada"
    assert view.invoker is not None
    assert view.invoker.id == 4
    assert Interaction({"user": {"id": "5"}}).invoker.id == 5  # type: ignore[union-attr]  # it was just given


def test_audit_log_changes_hold_anything() -> None:
    change = AuditLogChange({"key": "$add", "new_value": [{"id": ID, "name": "role"}], "old_value": 3})
    assert change.new_value[0].id == int(ID)
    assert change.old_value == 3


def test_timestamps_stay_text_and_time_reads_them() -> None:
    view = Message({"timestamp": "2026-01-02T03:04:05.678000+00:00", "edited_timestamp": None})
    assert view.timestamp == "2026-01-02T03:04:05.678000+00:00"
    assert view.time("timestamp") == datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    assert view.time("edited_timestamp") is None
    seconds = payload_of(envelope("TYPING_START", {"timestamp": 1_700_000_000}), 0.0)
    assert seconds.time("timestamp") == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    milliseconds = Payload({"created_at": 1_700_000_000_000})
    assert milliseconds.time("created_at") == seconds.time("timestamp")
    with pytest.raises(AttributeError):
        view.time("no_such_field")


def test_repr_is_short_and_shows_no_token() -> None:
    shown = repr(Interaction({"id": "1", "token": "very-secret", "type": 2, "data": {}}))
    assert shown == "<Interaction id='1' type=2>"


def test_a_payload_can_be_copied_and_pickled() -> None:
    view: Any = payload_of(envelope("MESSAGE_CREATE", {"id": "1"}), 0.0)
    assert copy.copy(view).id == 1
    assert pickle.loads(pickle.dumps(view)).id == 1


# The schemas of the payload classes; the gateway's differences from HTTP are listed below.
SCHEMAS = {
    "AttachmentResponse": "Attachment",
    "AuditLogEntryResponse": "AuditLogEntry",
    "ChannelPermissionOverwriteResponse": "Overwrite",
    "CommandPermissionsResponse": "CommandPermissions",
    "DiscordIntegrationResponse": "Integration",
    "EmojiResponse": "Emoji",
    "EntitlementResponse": "Entitlement",
    "ForumTagResponse": "ForumTag",
    "GuildBanResponse": "Ban",
    "GuildChannelResponse": "Channel",
    "GuildMemberResponse": "Member",
    "GuildResponse": "Guild",
    "GuildRoleResponse": "Role",
    "GuildScheduledEventExceptionResponse": "ScheduledEventException",
    "GuildStickerResponse": "Sticker",
    "KeywordRuleResponse": "AutoModerationRule",
    "MessageEmbedResponse": "Embed",
    "MessageReactionResponse": "Reaction",
    "MessageReferenceResponse": "MessageReference",
    "MessageResponse": "Message",
    "LobbyMemberResponse": "LobbyMember",
    "PinnedMessageResponse": "PinnedMessage",
    "PollResponse": "Poll",
    "PrivateApplicationResponse": "PrivateApplication",
    "ScheduledEventResponse": "ScheduledEvent",
    "ScheduledEventUserResponse": "ScheduledEventUser",
    "SoundboardSoundResponse": "SoundboardSound",
    "StageInstanceResponse": "StageInstance",
    "ThreadMemberResponse": "ThreadMember",
    "ThreadMetadataResponse": "ThreadMetadata",
    "ThreadResponse": "Channel",
    "UserResponse": "User",
    "VoiceStateResponse": "VoiceState",
    "WidgetResponse": "Widget",
}


def field_kind(hint: Any) -> str:
    """Return the JSON type that a field's annotation expects, as coarsely as the schema."""
    args = [each for each in typing.get_args(hint) if each is not type(None)]
    if typing.get_origin(hint) is not None and typing.get_origin(hint) not in (list, dict):
        return field_kind(args[0]) if len(args) == 1 else "any"
    return "array" if typing.get_origin(hint) is list else getattr(hint, "__name__", "any")


@pytest.mark.parametrize(("schema", "name"), sorted(SCHEMAS.items()))
def test_every_field_of_discords_openapi_document_is_known(schema: str, name: str) -> None:
    described: Mapping[str, Any] = contract.schemas()[schema]["properties"]
    hints = typing.get_type_hints(getattr(payloads, name))
    missing = [
        field for field in described if field not in hints and field not in dir(getattr(payloads, name))
    ]
    assert not missing
    for field, schema_of_field in described.items():
        if schema_of_field.get("type") == "array":
            assert field_kind(hints[field]) == "array", field
        if schema_of_field.get("type") == "boolean":
            assert field_kind(hints[field]) == "bool", field
        if schema_of_field.get("$ref", "").endswith("SnowflakeType"):
            assert field_kind(hints[field]) == "int", field


json_values = st.recursive(
    st.sampled_from([None, True, 0, 1.5, "", "12", "text"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "user", "x"]), inner),
    max_leaves=4,
)


@given(event=st.sampled_from(EventType), data=st.data())
def test_json_of_any_shape_can_be_read(event: EventType, data: st.DataObject) -> None:
    """Discord changes shapes; a field of an unexpected shape is returned as it is."""
    cls = PAYLOADS[event]
    names = [name for name in typing.get_type_hints(cls) if not name.startswith("_")]
    raw = data.draw(st.dictionaries(st.sampled_from([*names, "new"]), json_values, max_size=3))
    view = cls(raw)
    for name in raw.keys() - {"raw", "event"}:
        assert view[name] is getattr(view, name)


def test_what_is_derived_from_other_fields() -> None:
    user = User({"id": "80351110224678912", "username": "nelly", "discriminator": "0", "avatar": "a_33"})
    assert (user.mention, user.display_name) == ("<@80351110224678912>", "nelly")
    assert user.avatar_url == "https://cdn.discordapp.com/avatars/80351110224678912/a_33.gif"
    created = Role({"id": "175928847299117063"}).created_at  # the example of Discord's documentation
    assert created == datetime(2016, 4, 30, 11, 18, 25, 796000, tzinfo=UTC)
    plain = User({"id": "80351110224678912", "username": "n", "global_name": "Nelly", "discriminator": "0"})
    assert plain.display_name == "Nelly"
    assert plain.avatar_url == "https://cdn.discordapp.com/embed/avatars/5.png"
    old = User({"id": "80351110224678912", "discriminator": "1337"})
    assert old.avatar_url == "https://cdn.discordapp.com/embed/avatars/2.png"
    member = Member({"nick": "Nell", "user": plain.raw})
    assert (member.mention, member.display_name) == ("<@80351110224678912>", "Nell")
    assert (Channel({"id": "7"}).mention, Role({"id": "8"}).mention) == ("<#7>", "<@&8>")


def test_a_message_of_an_event_has_an_address_and_one_that_does_not_tell_its_guild_has_none() -> None:
    raw = {"id": "3", "channel_id": "2"}
    in_guild, direct = ({**raw, "guild_id": "1"}, raw)
    assert Message(in_guild).jump_url == "https://discord.com/channels/1/2/3"
    assert Message(direct).jump_url is None
    assert (
        Message.of(envelope("MESSAGE_CREATE", direct), 1.0).jump_url == "https://discord.com/channels/@me/2/3"
    )
