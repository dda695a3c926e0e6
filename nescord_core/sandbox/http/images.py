"""Stores images that come as data URIs (icons, avatars, banners) under a hash, as Discord does.

https://discord.com/developers/docs/reference#image-data
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import Any

from nescord_core.sandbox.http.operation_call import Call, invalid_field

__all__ = ["IMAGE_FIELDS", "store_emoji", "store_images"]

IMAGE_FIELDS = frozenset(
    {"avatar", "banner", "cover_image", "discovery_splash", "home_header", "icon", "image", "splash"}
)
DATA_URI = re.compile(r"data:image/(png|jpe?g|gif|webp|avif);base64,", re.ASCII)


def store_images(call: Call, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields with each image stored and replaced by its hash. Raises a 400 for an invalid one."""
    return {
        name: _store(call, name, value) if name in IMAGE_FIELDS and value is not None else value
        for name, value in fields.items()
    }


def store_emoji(call: Call, emoji: Mapping[str, Any]) -> None:
    """Store the picture of an emoji that the call has created, under the emoji's id."""
    image = call.body.get("image")
    if not isinstance(image, str) or DATA_URI.match(image) is None:
        return  # the model takes it as it is
    kind, data = _decoded("image", image)
    call.world.model.files.put(f"images/{emoji['id']}", f"image/{kind}", data)


def _store(call: Call, name: str, value: str) -> str:
    kind, data = _decoded(name, value)
    digest = hashlib.blake2s(data, digest_size=16).hexdigest()
    digest = f"a_{digest}" if kind == "gif" else digest
    call.world.model.files.put(f"images/{digest}", f"image/{kind}", data)
    return digest


def _decoded(name: str, value: str) -> tuple[str, bytes]:
    found = DATA_URI.match(value)
    if found is None:
        raise invalid_field(name, "IMAGE_INVALID", "Invalid image data: send data:image/png;base64,...")
    try:
        return found[1], base64.b64decode(value[found.end() :], validate=True)
    except binascii.Error:
        raise invalid_field(name, "IMAGE_INVALID", "Invalid image data: not base64.") from None
