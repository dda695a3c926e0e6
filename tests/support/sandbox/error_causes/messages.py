"""Messages, polls, stickers and voice messages."""

from __future__ import annotations

import pytest

from nescord_core.sandbox.world.world import ActionError
from nescord_core.settings import SandboxSettings
from support.sandbox.error_causes.registry import (
    always,
    cause,
    channel,
    code_of,
    direct,
    guild_of,
    interaction,
    model_of,
    say,
    sticker,
    take_permission,
    thread,
    upload,
)
from support.sandbox.running_rest import PNG, Rest, general, guild, sandbox


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
