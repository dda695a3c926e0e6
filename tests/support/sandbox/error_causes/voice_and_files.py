"""Voice, stages, and files of expressions."""

from __future__ import annotations

import json
from typing import Any

from support.sandbox.error_causes.registry import (
    always,
    cause,
    channel,
    code_of,
    event,
    guild_of,
    me,
    sticker,
    user,
)
from support.sandbox.running_rest import IMAGE, PNG, Rest, guild


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
