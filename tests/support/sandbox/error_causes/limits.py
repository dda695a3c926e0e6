"""Numbers of things past which there are no more."""

from __future__ import annotations

import base64
import io

from nescord_core.sandbox.world.simcord.model import Overwrite
from support.sandbox.error_causes.registry import (
    SOUND,
    always,
    cause,
    channel,
    code_of,
    commands,
    event,
    guild_of,
    hook,
    me,
    model_of,
    say,
    sticker,
    thread,
    upload,
    user,
)
from support.sandbox.running_rest import IMAGE, PNG, Rest, emoji, general, guild


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
