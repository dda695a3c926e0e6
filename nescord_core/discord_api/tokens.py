"""What a bot token says about itself, without asking Discord. Pure."""

from __future__ import annotations

import base64
import binascii

__all__ = ["application_id"]


def application_id(token: str) -> int | None:
    """Return the id of the bot's user, which is its application's but for bots of before 2017.

    It is the first part of the token, in Base64; Discord guarantees no format. None if it is not there.
    """
    first, dot, _ = token.partition(".")
    try:
        text = base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)).decode("ascii")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return int(text) if dot and text.isascii() and text.isdigit() and 15 <= len(text) <= 20 else None
