"""Files of stickers and emoji: what Discord accepts as an image or a Lottie animation.

https://discord.com/developers/docs/resources/sticker#create-guild-sticker
"""

from __future__ import annotations

import json
from typing import Any

from nescord_core.sandbox.http.operation_call import Call
from nescord_core.sandbox.http.refusals.table import Refusals, refuse

__all__ = ["REFUSALS", "lottie_problem"]

REFUSALS = Refusals()
MAX_STICKER = 512 << 10
MAX_EMOJI = 256 << 10
BASE64 = 4 / 3
"""Characters for each byte of a data URI."""
IMAGE_STARTS = (b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")
LOTTIE_SIZE = 320
MAX_FRAME_RATE = 60
MAX_FRAMES = 1000
MAX_SECONDS = 5


@REFUSALS.before("create_guild_sticker")
def _refuse_sticker(call: Call) -> None:
    for file in call.files:
        if len(file.data) > MAX_STICKER:
            raise refuse(50045)
        if file.data.startswith(IMAGE_STARTS):
            continue
        if not file.filename.lower().endswith(".json"):
            raise refuse(50046)
        if (code := lottie_problem(file.data)) is not None:
            raise refuse(code)


@REFUSALS.before("create_guild_emoji", "create_application_emoji")
def _refuse_large_emoji(call: Call) -> None:
    encoded = str(call.form.get("image", "")).partition(",")[2]
    if len(encoded) > MAX_EMOJI * BASE64 + 4:
        raise refuse(50138)


def lottie_problem(data: bytes) -> int | None:
    """Return the error code for a Lottie animation that Discord refuses, or None."""
    try:
        animation = json.loads(data)
    except ValueError:
        return 170001
    if not isinstance(animation, dict):
        return 170001
    numbers = [_number(animation, name) for name in ("w", "h", "fr", "ip", "op")]
    width, height, rate, first, last = numbers
    if any(str(each.get("p", "")).startswith("data:image/") for each in _assets(animation)):
        return 170002
    if width != LOTTIE_SIZE or height != LOTTIE_SIZE:
        return 170005
    if rate <= 0:
        return 170006
    if rate > MAX_FRAME_RATE:
        return 170003
    if last - first > MAX_FRAMES:
        return 170004
    return 170007 if (last - first) / rate > MAX_SECONDS else None


def _number(animation: dict[str, Any], name: str) -> float:
    value = animation.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0


def _assets(animation: dict[str, Any]) -> list[dict[str, Any]]:
    assets = animation.get("assets")
    return [each for each in assets if isinstance(each, dict)] if isinstance(assets, list) else []
