"""Every JSON error code that the sandbox sends, by a call that causes it; and the page that lists them."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from nescord_core.sandbox.http.refusals.error_codes import CANNOT_HAPPEN, MISSING, SENT, UNLISTED
from nescord_core.sandbox.world.simcord.model import Overwrite, SimcordModel, permission_flag
from nescord_core.sandbox.world.world import ActionError
from nescord_core.settings import SandboxSettings
from support.sandbox.running_rest import IMAGE, PNG, Rest, bearer, emoji, general, guild, sandbox

Cause = Callable[[Rest], Awaitable[int]]
CAUSES: dict[int, Cause] = {}
PAGE = Path(__file__).parents[4] / "docs" / "sandbox-errors.md"
CODES = Path(__file__).parents[3] / "support" / "sandbox" / "discord_error_codes.txt"


def cause(code: int) -> Callable[[Cause], Cause]:
    """Register what causes a code; it returns the code that it got."""

    def enter(function: Cause) -> Cause:
        assert code not in CAUSES
        CAUSES[code] = function
        return function

    return enter


async def code_of(rest: Rest, method: str, path: str, body: Any = None, **options: Any) -> int:
    reply = await rest.call(method, path, body, **options)
    assert reply.status >= 400, f"{method} {path}: {reply.status} {reply.body}"
    code: int = reply.body["code"]
    if code in SENT and code not in (0, 50035, 50027):
        assert reply.status == SENT[code][0], reply.body
    return code


def always(code: int, method: str, path: str, body: Any = None, **options: Any) -> None:
    """Register a code that one call causes. {guild}, {general}, {app} are replaced in the path."""

    async def call(rest: Rest) -> int:
        where = {"guild": guild(rest), "general": general(rest), "app": f"/applications/{me(rest)}"}
        return await code_of(rest, method, path.format_map(where), body, **options)

    cause(code)(call)


def me(rest: Rest) -> int:
    return rest.world.application_id


def model_of(rest: Rest) -> SimcordModel:
    return rest.world.model


def guild_of(rest: Rest) -> Any:
    return rest.world.find_guild()


def user(rest: Rest, name: str) -> int:
    return rest.world.find_user(name).id


async def say(rest: Rest, body: Any, path: str = "") -> Any:
    return await rest.ok("POST", f"{path or general(rest)}/messages", body)


async def channel(rest: Rest, kind: int, **fields: Any) -> str:
    made = await rest.ok("POST", f"{guild(rest)}/channels", {"name": "made", "type": kind, **fields})
    return f"/channels/{made['id']}"


async def thread(rest: Rest, **changes: Any) -> str:
    made = await rest.ok("POST", f"{general(rest)}/threads", {"name": "talk", "type": 11})
    path = f"/channels/{made['id']}"
    if changes:
        await rest.ok("PATCH", path, changes)
    return path


async def direct(rest: Rest) -> str:
    made = await rest.ok("POST", "/users/@me/channels", {"recipient_id": str(user(rest, "bob"))})
    return f"/channels/{made['id']}"


async def hook(rest: Rest, where: str) -> str:
    made = model_of(rest).create_webhook(int(where.rsplit("/", 1)[1]), "hook", me(rest))
    return f"/webhooks/{made.id}/{made.token}"


async def interaction(rest: Rest) -> str:
    await rest.ok("PUT", f"/applications/{me(rest)}/commands", [{"name": "x", "description": "d"}])
    used = rest.world.interact("general", "alice", "x")
    return f"/interactions/{used['id']}/{used['token']}/callback"


def take_permission(rest: Rest, *names: str) -> None:
    """Deny the bot permissions in #general."""
    deny = sum(permission_flag(each) for each in names)
    place = rest.world.find_channel("general")
    place.overwrites.append(Overwrite(me(rest), 1, deny=deny))  # type: ignore[arg-type]


def upload(payload: Any, *files: tuple[str, bytes]) -> aiohttp.FormData:
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("payload_json", json.dumps(payload))
    for at, (name, data) in enumerate(files):
        form.add_field(f"files[{at}]", data, filename=name)
    return form


def sticker(name: str, data: bytes) -> aiohttp.FormData:
    form = aiohttp.FormData()
    for field in ("name", "description", "tags"):
        form.add_field(field, "sticker")
    form.add_field("file", data, filename=name)
    return form


# Unknown objects

always(0, "GET", "/nowhere")
always(10002, "GET", "/applications/5/entitlements")
always(10003, "GET", "/channels/5")
always(10004, "GET", "/guilds/5")
always(10005, "DELETE", "{guild}/integrations/5")
always(10006, "GET", "/invites/none")
always(10007, "GET", "{guild}/members/5")
always(10008, "GET", "{general}/messages/5")
always(10009, "DELETE", "{general}/permissions/5")
always(10011, "GET", "{guild}/roles/5")
always(10013, "GET", "/users/5")
always(10015, "GET", "/webhooks/5")
always(10026, "GET", "{guild}/bans/5")
always(10027, "GET", "/skus/5/subscriptions")
always(10029, "DELETE", "{app}/entitlements/5")
always(10031, "GET", "/lobbies/5")
always(10057, "GET", "/guilds/templates/none")
always(10060, "GET", "{guild}/stickers/5")
always(10061, "GET", "/sticker-packs/5")
always(10062, "POST", "/interactions/5/none/callback", {"type": 6})
always(10063, "GET", "{app}/commands/5")
always(10065, "GET", "{guild}/voice-states/@me")
always(10066, "GET", "{app}{guild}/commands/5/permissions")
always(10069, "GET", "{guild}/welcome-screen")
always(10070, "GET", "{guild}/scheduled-events/5")
always(10097, "GET", "{guild}/soundboard-sounds/5")


@cause(10014)
async def _unknown_emoji(rest: Rest) -> int:
    sent = await say(rest, {"content": "x"})
    path = f"{general(rest)}/messages/{sent['id']}/reactions/word/@me"
    return await code_of(rest, "PUT", path)


@cause(10067)
async def _unknown_stage(rest: Rest) -> int:
    stage = await channel(rest, 13)
    return await code_of(rest, "GET", f"/stage-instances/{stage.rsplit('/', 1)[1]}")


@cause(10087)
async def _unknown_tag(rest: Rest) -> int:
    body = {"name": "post", "message": {"content": "x"}, "applied_tags": ["5"]}
    return await code_of(rest, "POST", f"{await channel(rest, 15)}/threads", body)


@cause(10124)
async def _unknown_targets_job(rest: Rest) -> int:
    made = await rest.ok("POST", f"{general(rest)}/invites", {})
    return await code_of(rest, "GET", f"/invites/{made['code']}/target-users/job-status")


@cause(10129)
async def _unknown_targets(rest: Rest) -> int:
    made = await rest.ok("POST", f"{general(rest)}/invites", {})
    return await code_of(rest, "GET", f"/invites/{made['code']}/target-users")


# Who may do what

always(20001, "GET", "/users/@me/connections")
always(20012, "GET", "/applications/5/commands")


@cause(50001)
async def _missing_access(rest: Rest) -> int:
    take_permission(rest, "view_channel")
    return await code_of(rest, "POST", f"{general(rest)}/messages", {"content": "x"})


@cause(50013)
async def _missing_permissions(rest: Rest) -> int:
    take_permission(rest, "send_messages")
    return await code_of(rest, "POST", f"{general(rest)}/messages", {"content": "x"})


@cause(50025)
async def _invalid_access_token(rest: Rest) -> int:
    stranger = model_of(rest).make_user("carol").id
    return await code_of(rest, "PUT", f"{guild(rest)}/members/{stranger}", {"access_token": "none"})


@cause(50026)
async def _missing_scope(rest: Rest) -> int:
    return await code_of(rest, "GET", "/users/@me/connections", **bearer(rest, "bob", "identify"))


@cause(50027)
async def _invalid_webhook_token(rest: Rest) -> int:
    path = await hook(rest, general(rest))
    return await code_of(rest, "POST", f"{path}x", {"content": "x"})


@cause(40007)
async def _banned(rest: Rest) -> int:
    token = rest.world.authorize("bob", "guilds.join")["access_token"]
    await rest.ok("PUT", f"{guild(rest)}/bans/{user(rest, 'bob')}", {})
    return await code_of(rest, "PUT", f"{guild(rest)}/members/{user(rest, 'bob')}", {"access_token": token})


# Limits


@cause(30003)
async def _pins(rest: Rest) -> int:
    place = rest.world.find_channel("general")
    for _ in range(251):
        last = model_of(rest).create_message(place.id, me(rest), "x")
        last.pinned = True
    last.pinned = False
    return await code_of(rest, "PUT", f"{general(rest)}/messages/pins/{last.id}")


@cause(30005)
async def _roles(rest: Rest) -> int:
    while len(guild_of(rest).roles) < 250:
        model_of(rest).create_role(guild_of(rest).id, "role")
    return await code_of(rest, "POST", f"{guild(rest)}/roles", {"name": "one more"})


@cause(30007)
async def _webhooks(rest: Rest) -> int:
    for _ in range(15):
        await hook(rest, general(rest))
    return await code_of(rest, "POST", f"{general(rest)}/webhooks", {"name": "one more"})


@cause(30058)
async def _webhooks_of_guild(rest: Rest) -> int:
    places = [model_of(rest).create_channel(guild_of(rest).id, f"c{each}") for each in range(67)]
    for each in range(1000):
        model_of(rest).create_webhook(places[each // 15].id, "hook", me(rest))
    return await code_of(rest, "POST", f"{general(rest)}/webhooks", {"name": "one more"})


@cause(30008)
async def _emojis(rest: Rest) -> int:
    for _ in range(50):
        model_of(rest).create_emoji(guild_of(rest).id, "wave", me(rest))
    return await code_of(rest, "POST", f"{guild(rest)}/emojis", {"name": "wave", "image": IMAGE})


@cause(30018)
async def _animated_emojis(rest: Rest) -> int:
    for _ in range(50):
        model_of(rest).create_emoji(guild_of(rest).id, "wave", me(rest), animated=True)
    gif = "data:image/gif;base64," + base64.b64encode(b"GIF89a").decode()
    return await code_of(rest, "POST", f"{guild(rest)}/emojis", {"name": "wave", "image": gif})


@cause(30010)
async def _reactions(rest: Rest) -> int:
    sent = await say(rest, {"content": "x"})
    path = f"{general(rest)}/messages/{sent['id']}/reactions"
    for each in range(20):
        await rest.ok("PUT", f"{path}/{emoji(chr(0x1F600 + each))}/@me")
    return await code_of(rest, "PUT", f"{path}/{emoji('👍')}/@me")


@cause(30013)
async def _channels(rest: Rest) -> int:
    while len(guild_of(rest).channel_ids) < 500:
        model_of(rest).create_channel(guild_of(rest).id, "room")
    return await code_of(rest, "POST", f"{guild(rest)}/channels", {"name": "one more"})


@cause(30015)
async def _files(rest: Rest) -> int:
    form = upload({}, *((f"{each}.txt", b"x") for each in range(11)))
    return await code_of(rest, "POST", f"{general(rest)}/messages", data=form)


@cause(30016)
async def _invites(rest: Rest) -> int:
    for _ in range(1000):
        model_of(rest).create_invite(rest.world.find_channel("general").id, me(rest))
    return await code_of(rest, "POST", f"{general(rest)}/invites", {"unique": True})


@cause(30031)
async def _second_template(rest: Rest) -> int:
    await rest.ok("POST", f"{guild(rest)}/templates", {"name": "one"})
    return await code_of(rest, "POST", f"{guild(rest)}/templates", {"name": "two"})


def commands(first: int, count: int) -> list[dict[str, Any]]:
    return [{"name": f"c{each}", "description": "d"} for each in range(first, first + count)]


@cause(30032)
async def _commands(rest: Rest) -> int:
    path = f"/applications/{me(rest)}/commands"
    await rest.ok("PUT", path, commands(0, 100))
    return await code_of(rest, "POST", path, commands(100, 1)[0])


@cause(30034)
async def _daily_creates(rest: Rest) -> int:
    path = f"/applications/{me(rest)}{guild(rest)}/commands"
    for first in (0, 100, 100):
        await rest.ok("PUT", path, commands(first, 100))  # the third time there is nothing new
    code = await code_of(rest, "PUT", path, commands(300, 1))
    model_of(rest).advance_clock(86_400)
    await rest.ok("PUT", path, commands(300, 1))
    return code


@cause(30038)
async def _events(rest: Rest) -> int:
    for _ in range(100):
        await rest.ok("POST", f"{guild(rest)}/scheduled-events", event())
    return await code_of(rest, "POST", f"{guild(rest)}/scheduled-events", event())


def event(**fields: Any) -> dict[str, Any]:
    lounge = {"entity_metadata": {"location": "here"}, "scheduled_end_time": "2040-01-02T00:00:00Z"}
    start = {"name": "e", "privacy_level": 2, "scheduled_start_time": "2040-01-01T00:00:00Z"}
    return {**start, "entity_type": 3, **lounge, **fields}


@cause(30033)
async def _members_of_thread(rest: Rest) -> int:
    path = await thread(rest)
    members = model_of(rest).channels[int(path.rsplit("/", 1)[1])].thread_members
    members.update(dict.fromkeys(range(1, 1000), "2024-01-01T00:00:00+00:00"))
    return await code_of(rest, "PUT", f"{path}/thread-members/{user(rest, 'bob')}")


@cause(30039)
async def _stickers(rest: Rest) -> int:
    path = f"{guild(rest)}/stickers"
    for _ in range(5):
        await rest.ok("POST", path, data=sticker("a.png", PNG))
    return await code_of(rest, "POST", path, data=sticker("a.png", PNG))


SOUND = {"name": "beep", "sound": "data:audio/ogg;base64,T2dnUw=="}


@cause(30045)
async def _sounds(rest: Rest) -> int:
    for _ in range(8):
        await rest.ok("POST", f"{guild(rest)}/soundboard-sounds", SOUND)
    return await code_of(rest, "POST", f"{guild(rest)}/soundboard-sounds", SOUND)


@cause(30047)
async def _pinned_posts(rest: Rest) -> int:
    forum = await channel(rest, 15)
    posts = [
        await rest.ok("POST", f"{forum}/threads", {"name": "post", "message": {"content": "x"}})
        for _ in range(2)
    ]
    await rest.ok("PATCH", f"/channels/{posts[0]['id']}", {"flags": 2})
    return await code_of(rest, "PATCH", f"/channels/{posts[1]['id']}", {"flags": 2})


always(30052, "POST", "{guild}/channels", {"name": "loud", "type": 2, "bitrate": 128_000})


@cause(30060)
async def _overwrites(rest: Rest) -> int:
    place = rest.world.find_channel("general")
    place.overwrites += [Overwrite(each, 1) for each in range(1, 1001)]  # type: ignore[arg-type]
    body = {"type": 1, "allow": "0"}
    return await code_of(rest, "PUT", f"{general(rest)}/permissions/{user(rest, 'bob')}", body)


@cause(40005)
async def _too_large(rest: Rest) -> int:
    large = io.BytesIO(bytes(26 << 20))
    return await code_of(rest, "POST", f"{general(rest)}/messages", data=large)


@cause(160006)
async def _threads(rest: Rest) -> int:
    for _ in range(1000):
        place = rest.world.find_channel("general").id
        model_of(rest).create_thread(place, "talk", me(rest), broadcast=False)
    return await code_of(rest, "POST", f"{general(rest)}/threads", {"name": "talk", "type": 11})


# Channels, threads and forums


@cause(40009)
async def _several_parents(rest: Rest) -> int:
    names = ("general", "random")
    body = [{"id": str(rest.world.find_channel(each).id), "parent_id": None} for each in names]
    return await code_of(rest, "PATCH", f"{guild(rest)}/channels", body)


TWICE = [{"name": "Same"}, {"name": "same"}]
always(40061, "POST", "{guild}/channels", {"name": "f", "type": 15, "available_tags": TWICE})
MODERATED = [{"name": "a", "moderated": True}]
REQUIRED = {"name": "f", "type": 15, "flags": 16}
always(40066, "POST", "{guild}/channels", {**REQUIRED, "available_tags": MODERATED})


@cause(40067)
async def _post_without_tag(rest: Rest) -> int:
    forum = await channel(rest, 15, flags=16, available_tags=[{"name": "a"}])
    body = {"name": "post", "message": {"content": "x"}}
    return await code_of(rest, "POST", f"{forum}/threads", body)


@cause(50003)
async def _in_direct_message(rest: Rest) -> int:
    return await code_of(rest, "POST", f"{await direct(rest)}/invites", {})


@cause(50008)
async def _message_in_forum(rest: Rest) -> int:
    return await code_of(rest, "POST", f"{await channel(rest, 15)}/messages", {"content": "x"})


@cause(50024)
async def _wrong_type_of_channel(rest: Rest) -> int:
    sent = await say(rest, {"content": "x"})
    return await code_of(rest, "POST", f"{general(rest)}/messages/{sent['id']}/crosspost")


@cause(50074)
async def _community_channel(rest: Rest) -> int:
    ids = {name: str(rest.world.find_channel("random").id) for name in ("rules_channel_id",)}
    ids["public_updates_channel_id"] = ids["rules_channel_id"]
    settings = {"features": ["COMMUNITY"], "verification_level": 1, "explicit_content_filter": 2}
    await rest.ok("PATCH", guild(rest), {**settings, **ids})
    return await code_of(rest, "DELETE", f"/channels/{ids['rules_channel_id']}")


@cause(50086)
async def _community_channel_without_text(rest: Rest) -> int:
    lounge = str(rest.world.find_channel("Lounge").id)
    return await code_of(rest, "PATCH", guild(rest), {"rules_channel_id": lounge})


@cause(50083)
async def _archived_thread(rest: Rest) -> int:
    path = await thread(rest)
    sent = await say(rest, {"content": "x"}, path)
    await rest.ok("PATCH", path, {"archived": True})
    return await code_of(rest, "PATCH", f"{path}/messages/{sent['id']}", {"content": "y"})


@cause(160004)
async def _second_thread(rest: Rest) -> int:
    sent = await say(rest, {"content": "x"})
    path = f"{general(rest)}/messages/{sent['id']}/threads"
    await rest.ok("POST", path, {"name": "one"})
    return await code_of(rest, "POST", path, {"name": "two"})


@cause(160005)
async def _locked_thread(rest: Rest) -> int:
    path = await thread(rest, locked=True)
    take_permission(rest, "manage_threads")
    return await code_of(rest, "POST", f"{path}/messages", {"content": "x"})


@cause(220001)
async def _webhook_in_forum(rest: Rest) -> int:
    return await code_of(rest, "POST", await hook(rest, await channel(rest, 15)), {"content": "x"})


@cause(220002)
async def _webhook_with_thread_and_name(rest: Rest) -> int:
    path = await hook(rest, await channel(rest, 15))
    return await code_of(rest, "POST", f"{path}?thread_id=5", {"content": "x", "thread_name": "n"})


@cause(220003)
async def _webhook_post_without_forum(rest: Rest) -> int:
    return await code_of(rest, "POST", await hook(rest, general(rest)), {"content": "x", "thread_name": "n"})


@cause(220004)
async def _service_in_forum(rest: Rest) -> int:
    path = await hook(rest, await channel(rest, 15))
    return await code_of(rest, "POST", f"{path}/slack", {"text": "x"})


# Messages


@cause(40033)
async def _published_twice(rest: Rest) -> int:
    news = await channel(rest, 5)
    sent = await say(rest, {"content": "x"}, news)
    await rest.ok("POST", f"{news}/messages/{sent['id']}/crosspost")
    return await code_of(rest, "POST", f"{news}/messages/{sent['id']}/crosspost")


@cause(40060)
async def _answered_twice(rest: Rest) -> int:
    path = await interaction(rest)
    await rest.ok("POST", path, {"type": 5})
    return await code_of(rest, "POST", path, {"type": 5})


@cause(50005)
async def _edit_of_other(rest: Rest) -> int:
    said = rest.world.say("general", "bob", "x")
    return await code_of(rest, "PATCH", f"{general(rest)}/messages/{said['id']}", {"content": "y"})


always(50006, "POST", "{general}/messages", {"content": ""})


@cause(50007)
async def _message_to_bot(rest: Rest) -> int:
    other = model_of(rest).make_user("robot", bot=True)
    model_of(rest).add_member(guild_of(rest).id, other.id)
    made = await rest.call("POST", "/users/@me/channels", {"recipient_id": str(other.id)})
    if made.status >= 400:
        return int(made.body["code"])
    return await code_of(rest, "POST", f"/channels/{made.body['id']}/messages", {"content": "x"})


@cause(50021)
async def _system_message(rest: Rest) -> int:
    await thread(rest)
    [told] = rest.world.messages("general")
    return await code_of(rest, "PUT", f"{general(rest)}/messages/pins/{told['id']}")


@cause(50034)
async def _too_old(rest: Rest) -> int:
    body = {"messages": ["5", "6"]}
    return await code_of(rest, "POST", f"{general(rest)}/messages/bulk-delete", body)


always(50035, "POST", "{general}/messages", {"content": "x" * 2001})


@cause(50068)
async def _published_system_message(rest: Rest) -> int:
    news = await channel(rest, 5)
    sent = await say(rest, {"content": "x"}, news)
    await rest.ok("PUT", f"{news}/messages/pins/{sent['id']}")
    told = rest.world.messages(news.rsplit("/", 1)[1])[-1]
    return await code_of(rest, "POST", f"{news}/messages/{told['id']}/crosspost")


@cause(50080)
async def _edit_of_stickers(rest: Rest) -> int:
    made = await rest.ok("POST", f"{guild(rest)}/stickers", data=sticker("a.png", PNG))
    sent = await say(rest, {"sticker_ids": [made["id"]]})
    return await code_of(rest, "PATCH", f"{general(rest)}/messages/{sent['id']}", {"sticker_ids": []})


always(50081, "POST", "{general}/messages", {"sticker_ids": ["5"]})


@cause(50600)
async def _sticker_of_other_guild(rest: Rest) -> int:
    other = rest.world.add_guild("Other")["id"]
    made = await rest.ok("POST", f"/guilds/{other}/stickers", data=sticker("a.png", PNG))
    return await code_of(rest, "POST", f"{general(rest)}/messages", {"sticker_ids": [made["id"]]})


VOICE = {"flags": 1 << 13, "attachments": [{"id": 0, "waveform": "AAAA", "duration_secs": 1.0}]}
SPOKEN = ("voice-message.ogg", b"OggS")


@cause(50159)
async def _voice_message_with_text(rest: Rest) -> int:
    form = upload({**VOICE, "content": "x"}, SPOKEN)
    return await code_of(rest, "POST", f"{general(rest)}/messages", data=form)


@cause(50160)
async def _voice_message_without_sound(rest: Rest) -> int:
    return await code_of(rest, "POST", f"{general(rest)}/messages", data=upload(VOICE, ("a.png", PNG)))


@cause(50161)
async def _voice_message_without_metadata(rest: Rest) -> int:
    form = upload({**VOICE, "attachments": [{"id": 0}]}, SPOKEN)
    return await code_of(rest, "POST", f"{general(rest)}/messages", data=form)


@cause(50162)
async def _edit_of_voice_message(rest: Rest) -> int:
    sent = await rest.ok("POST", f"{general(rest)}/messages", data=upload(VOICE, SPOKEN))
    assert (sent["attachments"][0]["waveform"], sent["attachments"][0]["duration_secs"]) == ("AAAA", 1.0)
    return await code_of(rest, "PATCH", f"{general(rest)}/messages/{sent['id']}", {"content": "x"})


@cause(50173)
async def _voice_message_without_permission(rest: Rest) -> int:
    take_permission(rest, "send_voice_messages")
    return await code_of(rest, "POST", f"{general(rest)}/messages", data=upload(VOICE, SPOKEN))


@cause(50278)
async def _message_to_stranger(rest: Rest) -> int:
    path = await direct(rest)
    rest.world.leave("bob")
    return await code_of(rest, "POST", f"{path}/messages", {"content": "x"})


@cause(160002)
async def _reply_without_history(rest: Rest) -> int:
    said = rest.world.say("general", "bob", "x")
    take_permission(rest, "read_message_history")
    body = {"content": "x", "message_reference": {"message_id": said["id"]}}
    return await code_of(rest, "POST", f"{general(rest)}/messages", body)


@cause(160014)
async def _forward_without_content(_rest: Rest) -> int:
    async with sandbox(SandboxSettings(disallowed_intents=1 << 15)) as rest:
        said = rest.world.say("general", "bob", "x")
        reference = {"type": 1, "message_id": said["id"], "channel_id": said["channel_id"]}
        return await code_of(rest, "POST", f"{general(rest)}/messages", {"message_reference": reference})


@cause(200000)
async def _auto_moderation(rest: Rest) -> int:
    rule = {"name": "r", "event_type": 1, "trigger_type": 1, "enabled": True, "actions": [{"type": 1}]}
    metadata = {"trigger_metadata": {"keyword_filter": ["damn"]}}
    await rest.ok("POST", f"{guild(rest)}/auto-moderation/rules", {**rule, **metadata})
    with pytest.raises(ActionError) as refused:
        rest.world.say("general", "bob", "damn")
    return refused.value.code


POLL = {"poll": {"question": {"text": "?"}, "answers": [{"poll_media": {"text": "a"}}], "duration": 1}}


@cause(520001)
async def _ended_poll(rest: Rest) -> int:
    sent = await say(rest, POLL)
    path = f"{general(rest)}/polls/{sent['id']}/expire"
    await rest.ok("POST", path)
    return await code_of(rest, "POST", path)


@cause(520003)
async def _edit_of_poll(rest: Rest) -> int:
    sent = await say(rest, POLL)
    return await code_of(rest, "PATCH", f"{general(rest)}/messages/{sent['id']}", {"content": "x"})


@cause(520004)
async def _emoji_of_poll(rest: Rest) -> int:
    media = {"text": "a", "emoji": {"id": "5", "name": "gone"}}
    poll = {**POLL["poll"], "answers": [{"poll_media": media}]}
    return await code_of(rest, "POST", f"{general(rest)}/messages", {"poll": poll})


@cause(520006)
async def _no_poll(rest: Rest) -> int:
    sent = await say(rest, {"content": "x"})
    return await code_of(rest, "POST", f"{general(rest)}/polls/{sent['id']}/expire")


# Guilds, commands, purchases

always(50004, "GET", "{guild}/widget.json")
always(350000, "PUT", "{guild}/onboarding", {"enabled": True})


@cause(350001)
async def _onboarding_below_requirements(rest: Rest) -> int:
    rooms = [(await channel(rest, 0)).rsplit("/", 1)[1] for _ in range(7)]
    path = f"{guild(rest)}/onboarding"
    await rest.ok("PUT", path, {"enabled": True, "default_channel_ids": rooms})
    return await code_of(rest, "PUT", path, {"default_channel_ids": rooms[:6]})


@cause(50028)
async def _everyone_role(rest: Rest) -> int:
    return await code_of(rest, "DELETE", f"{guild(rest)}/roles/{guild_of(rest).id}")


@cause(500000)
async def _nobody_to_ban(rest: Rest) -> int:
    return await code_of(rest, "POST", f"{guild(rest)}/bulk-ban", {"user_ids": [str(me(rest))]})


@cause(180000)
async def _finished_event(rest: Rest) -> int:
    made = await rest.ok("POST", f"{guild(rest)}/scheduled-events", event())
    path = f"{guild(rest)}/scheduled-events/{made['id']}"
    await rest.ok("PATCH", path, {"status": 4})
    return await code_of(rest, "PATCH", path, {"name": "again"})


@cause(40041)
async def _taken_name(rest: Rest) -> int:
    path = f"/applications/{me(rest)}/commands"
    made = await rest.ok("PUT", path, commands(0, 2))
    return await code_of(rest, "PATCH", f"{path}/{made[0]['id']}", {"name": "c1"})


@cause(50240)
async def _dropped_entry_point(rest: Rest) -> int:
    path = f"/applications/{me(rest)}/commands"
    launch = {"name": "launch", "type": 4, "handler": 2}
    await rest.ok("PUT", path, [launch])
    await rest.ok("PUT", path, [launch, *commands(0, 1)])
    return await code_of(rest, "PUT", path, commands(0, 1))


async def entitlement(rest: Rest, kind: str) -> str:
    sku = rest.world.create_sku("thing", kind)
    owner = {"owner_id": str(user(rest, "bob")), "owner_type": 2}
    made = await rest.ok("POST", f"/applications/{me(rest)}/entitlements", {"sku_id": sku["id"], **owner})
    return f"/applications/{me(rest)}/entitlements/{made['id']}"


@cause(40018)
async def _nothing_to_consume(rest: Rest) -> int:
    return await code_of(rest, "POST", f"{await entitlement(rest, 'subscription')}/consume")


@cause(40019)
async def _bought_entitlement(rest: Rest) -> int:
    rest.world.create_sku("thing")
    bought = rest.world.buy("bob", "thing")["entitlement"]
    return await code_of(rest, "DELETE", f"/applications/{me(rest)}/entitlements/{bought['id']}")


@cause(40074)
async def _granted_twice(rest: Rest) -> int:
    sku = rest.world.create_sku("thing")
    body = {"sku_id": sku["id"], "owner_id": str(user(rest, "bob")), "owner_type": 2}
    path = f"/applications/{me(rest)}/entitlements"
    await rest.ok("POST", path, body)
    return await code_of(rest, "POST", path, body)


@cause(50057)
async def _invalid_sku(rest: Rest) -> int:
    sku = rest.world.create_sku("thing", "durable")
    body = {"sku_id": sku["id"], "owner_id": str(user(rest, "bob")), "owner_type": 2}
    return await code_of(rest, "POST", f"/applications/{me(rest)}/entitlements", body)


@cause(50033)
async def _message_to_oneself(rest: Rest) -> int:
    return await code_of(rest, "POST", "/users/@me/channels", {"recipient_id": str(me(rest))})


@cause(50041)
async def _unknown_version(rest: Rest) -> int:
    return await code_of(rest, "GET", "/users/@me", prefix="/api/v3", conform=False)


@cause(50109)
async def _no_json(rest: Rest) -> int:
    headers = {"Content-Type": "application/json"}
    return await code_of(rest, "POST", f"{general(rest)}/messages", data=b"{", headers=headers)


# Voice


@cause(40032)
async def _nobody_to_move(rest: Rest) -> int:
    body = {"channel_id": str(rest.world.find_channel("Lounge").id)}
    return await code_of(rest, "PATCH", f"{guild(rest)}/members/{user(rest, 'bob')}", body)


@cause(150006)
async def _second_stage(rest: Rest) -> int:
    body = {"channel_id": (await channel(rest, 13)).rsplit("/", 1)[1], "topic": "t"}
    await rest.ok("POST", "/stage-instances", body)
    return await code_of(rest, "POST", "/stage-instances", body)


@cause(50091)
async def _stage_of_other_event(rest: Rest) -> int:
    made = await rest.ok("POST", f"{guild(rest)}/scheduled-events", event())
    stage = (await channel(rest, 13)).rsplit("/", 1)[1]
    body = {"channel_id": stage, "topic": "t", "guild_scheduled_event_id": made["id"]}
    return await code_of(rest, "POST", "/stage-instances", body)


@cause(50167)
async def _effect_while_muted(rest: Rest) -> int:
    lounge = rest.world.find_channel("Lounge")
    rest.world.voice_join(lounge.id, me(rest))
    guild_of(rest).voice_states[me(rest)].mute = True
    return await code_of(rest, "POST", f"/channels/{lounge.id}/send-soundboard-sound", {"sound_id": "1"})


# Files of expressions

LOTTIE = {"w": 320, "h": 320, "fr": 60, "ip": 0, "op": 60, "layers": []}


def lottie(code: int, animation: Any) -> None:
    data = animation if isinstance(animation, bytes) else json.dumps(animation).encode()

    async def call(rest: Rest) -> int:
        return await code_of(rest, "POST", f"{guild(rest)}/stickers", data=sticker("a.json", data))

    cause(code)(call)


lottie(170001, b"{")
lottie(170002, {**LOTTIE, "assets": [{"p": "data:image/png;base64,AA=="}]})
lottie(170003, {**LOTTIE, "fr": 61})
lottie(170004, {**LOTTIE, "op": 1001})
lottie(170005, {**LOTTIE, "w": 64})
lottie(170006, {**LOTTIE, "fr": 0})
lottie(170007, {**LOTTIE, "op": 301})
always(50123, "POST", "{guild}/soundboard-sounds", {"name": "beep", "sound": "data:image/png;base64,AA=="})


@cause(50045)
async def _large_sticker(rest: Rest) -> int:
    data = sticker("a.png", PNG + b"x" * (512 << 10))
    return await code_of(rest, "POST", f"{guild(rest)}/stickers", data=data)


@cause(50046)
async def _sticker_of_other_format(rest: Rest) -> int:
    return await code_of(rest, "POST", f"{guild(rest)}/stickers", data=sticker("a.bmp", b"BM"))


@cause(50138)
async def _large_emoji(rest: Rest) -> int:
    image = IMAGE + "A" * (360 << 10)
    return await code_of(rest, "POST", f"{guild(rest)}/emojis", {"name": "wave", "image": image})


@pytest.mark.parametrize("code", sorted(CAUSES))
async def test_a_call_is_refused_with_discords_code(rest: Rest, code: int) -> None:
    assert await CAUSES[code](rest) == code


def test_every_code_of_discord_is_sent_or_explained() -> None:
    explained = [each for codes in (*CANNOT_HAPPEN.values(), *MISSING.values()) for each in codes]
    assert len(set(explained)) == len(explained)
    assert not SENT.keys() & set(explained)
    listed = {int(each) for each in CODES.read_text().split()}
    assert SENT.keys() | set(explained) == listed | UNLISTED
    assert CAUSES.keys() == SENT.keys()


def rows_of_page() -> list[str]:
    rows = [f"| {code} | {message} |" for code, (_, message) in sorted(SENT.items())]
    for reasons in (CANNOT_HAPPEN, MISSING):
        rows += [f"| {', '.join(map(str, sorted(codes)))} | {reason} |" for reason, codes in reasons.items()]
    return rows


def test_the_page_lists_the_same_codes() -> None:
    shown = [each for each in PAGE.read_text().splitlines() if each.startswith("| ") and each[2].isdigit()]
    assert shown == rows_of_page()


# What an archived thread is otherwise


async def test_a_message_reopens_an_archived_thread_unless_it_is_locked(rest: Rest) -> None:
    heard: list[tuple[str, Any]] = []
    rest.world.subscribe(lambda event, payload, *_: heard.append((event, payload)))
    path = await thread(rest)
    number = path.rsplit("/", 1)[1]
    sent = await say(rest, {"content": "x"}, path)
    for method, where, body in (
        ("POST", f"{path}/messages", {"content": "y"}),
        ("PATCH", path, {"archived": False, "name": "other"}),
    ):
        await rest.ok("PATCH", path, {"archived": True})
        heard.clear()
        await rest.ok(method, where, body)
        assert heard[0][0] == "THREAD_UPDATE"
        assert heard[0][1]["thread_metadata"]["archived"] is False
    await rest.ok("PATCH", path, {"archived": True})
    rest.world.say(number, "alice", "somebody else")
    assert (await rest.ok("GET", path))["thread_metadata"]["archived"] is False

    await rest.ok("PATCH", path, {"archived": True})
    reaction = f"{path}/messages/{sent['id']}/reactions/{emoji('👍')}/@me"
    for method, where, change in (
        ("PUT", reaction, None),
        ("PUT", f"{path}/messages/pins/{sent['id']}", None),
        ("PUT", f"{path}/thread-members/{user(rest, 'bob')}", None),
        ("PATCH", path, {"locked": True}),
    ):
        assert await code_of(rest, method, where, change) == 50083
    await rest.ok("DELETE", f"{path}/messages/{sent['id']}")

    await rest.ok("PATCH", path, {"archived": False, "locked": True})
    await rest.ok("PATCH", path, {"archived": True})
    assert await code_of(rest, "POST", f"{path}/messages", {"content": "x"}) == 50083
    with pytest.raises(ActionError, match="refuses"):
        rest.world.say(number, "bob", "x")
