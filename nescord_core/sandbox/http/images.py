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

__all__ = ["IMAGE_FIELDS", "store_images"]

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


def _store(call: Call, name: str, value: str) -> str:
    found = DATA_URI.match(value)
    if found is None:
        raise invalid_field(name, "IMAGE_INVALID", "Invalid image data: send data:image/png;base64,...")
    try:
        data = base64.b64decode(value[found.end() :], validate=True)
    except binascii.Error:
        raise invalid_field(name, "IMAGE_INVALID", "Invalid image data: not base64.") from None
    digest = hashlib.blake2s(data, digest_size=16).hexdigest()
    digest = f"a_{digest}" if found[1] == "gif" else digest
    call.world.model.files.put(f"images/{digest}", f"image/{found[1]}", data)
    return digest
