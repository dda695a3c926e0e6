"""The model's clock and file store, with the real time and with URLs of this server."""

from __future__ import annotations

import mimetypes
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

from simcord._clock import Clock
from simcord.backend.cdn import CdnStore

from nescord_core.sandbox.world.default_avatar import default_avatar
from nescord_core.sandbox.world.image_size import image_size

__all__ = ["FileStore", "RealClock"]

FILES_MB = 256
SPOILER = 1 << 3
"""An attachment flag (https://discord.com/developers/docs/resources/message#attachment-object)."""


class RealClock(Clock):
    """simcord's clock with the real time; `advance` still moves it on, for tests."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.elapsed)


class FileStore(CdnStore):
    """Attachments and other files; the oldest are dropped past a limit. ``base`` is this server's URL."""

    def __init__(self) -> None:
        super().__init__()
        self.base = "http://127.0.0.1"
        self._files: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._size = 0
        self._metadata: dict[str, Mapping[str, Any]] = {}

    @contextmanager
    def with_metadata(self, metadata: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
        """Give these fields to the attachments of these names that are stored within the block."""
        self._metadata = dict(metadata)
        try:
            yield
        finally:
            self._metadata = {}

    def store_attachment(
        self, attachment_id: int, channel_id: int, filename: str, data: bytes, description: str | None
    ) -> dict[str, Any]:
        stored = self._store(f"attachments/{channel_id}", attachment_id, filename, data, description)
        metadata = dict(self._metadata.get(filename, {}))
        if metadata.pop("is_spoiler", False):
            stored["flags"] = SPOILER
        return {**stored, **metadata}

    def store_ephemeral_attachment(
        self, attachment_id: int, channel_id: int, filename: str, data: bytes
    ) -> dict[str, Any]:
        """Store a file that is sent with an interaction, which Discord removes after a while."""
        folder = f"ephemeral-attachments/{channel_id}"
        return {**self._store(folder, attachment_id, filename, data, None), "ephemeral": True}

    def _store(
        self, folder: str, attachment_id: int, filename: str, data: bytes, description: str | None
    ) -> dict[str, Any]:
        name = filename.replace("\\", "/").rsplit("/", 1)[-1] or "file"
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        url = self.put(f"{folder}/{attachment_id}/{name}", kind, data)
        attachment = {
            "id": str(attachment_id),
            "filename": name,
            "size": len(data),
            "url": url,
            "proxy_url": url,
            **_facts(kind, data),
        }
        return attachment if description is None else {**attachment, "description": description}

    def store_sticker(self, sticker_id: int, format_type: int, data: bytes) -> str:
        ending, kind = {3: ("json", "application/json"), 4: ("gif", "image/gif")}.get(
            format_type, ("png", "image/png")
        )
        return self.put(f"stickers/{sticker_id}.{ending}", kind, data)

    def put(self, path: str, content_type: str, data: bytes) -> str:
        """Store a file and return its URL."""
        self._size += len(data) - len(self._files.get(path, ("", b""))[1])
        self._files[path] = (content_type, data)
        while self._size > FILES_MB << 20 and len(self._files) > 1:
            self._size -= len(self._files.popitem(last=False)[1][1])
        return f"{self.base}/cdn/{quote(path)}"

    def read(self, path: str) -> tuple[str, bytes] | None:
        """Return content type and bytes of ``attachments/...``, None for an unknown file.

        Images (icons, avatars, banners) are found by the hash at the end of the path, emoji by their id.
        """
        name = path.rsplit("/", 1)[-1].partition(".")[0]
        if path.startswith("embed/avatars/") and name.isdecimal():
            avatar = default_avatar(int(name))
            return None if avatar is None else ("image/png", avatar)
        return self._files.get(path) or self._files.get(f"images/{name}")

    def newest(self, limit: int) -> Iterator[tuple[str, tuple[str, bytes]]]:
        """Yield the newest files of at most ``limit`` bytes together, newest first."""
        for path, (kind, data) in reversed(self._files.items()):
            limit -= len(data)
            if limit < 0:
                return
            yield path, (kind, data)

    def facts(self, url: str) -> dict[str, Any] | None:
        """Return content type, and width and height of an image, of a file of this store by its URL."""
        found = self.read(_path_of(url)) if url.startswith(f"{self.base}/cdn/") else None
        return None if found is None else _facts(*found)

    def get(self, url: str) -> bytes | None:
        found = self.read(_path_of(url))
        return None if found is None else found[1]


def _path_of(url: str) -> str:
    return unquote(url.split("/cdn/", 1)[-1].partition("?")[0])


def _facts(content_type: str, data: bytes) -> dict[str, Any]:
    size = image_size(data) if content_type.startswith("image/") else None
    return {
        "content_type": content_type,
        **({} if size is None else {"width": size[0], "height": size[1]}),
    }
