"""Files to upload with a request, readable again for every retry."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BufferedIOBase
from os import PathLike, fspath
from pathlib import Path
from typing import IO, Any, Protocol, TypeAlias

__all__ = ["File", "FileLike", "HasFile", "Part", "form_parts", "message_parts"]


class HasFile(Protocol):
    """An open file that knows its name, such as discord.File."""

    @property
    def fp(self) -> IO[bytes] | BufferedIOBase:
        """The open file."""

    @property
    def filename(self) -> str:
        """The name to send."""

    @property
    def description(self) -> str | None:
        """The alternative text."""


@dataclass(frozen=True, slots=True)
class File:
    """One file: a path, bytes, or an open binary file (read once, at its current position).

    ``filename`` is what Discord shows (default: the path's name); ``description`` is the attachment's
    alternative text; ``spoiler`` hides it until clicked.
    """

    source: str | PathLike[str] | bytes | IO[bytes] | BufferedIOBase
    filename: str | None = None
    description: str | None = None
    content_type: str | None = None
    spoiler: bool = False

    @classmethod
    def of(cls, value: Any) -> File:
        """Convert an item of `files=`.

        Raises:
            TypeError: it is not a `FileLike`.

        """
        if isinstance(value, cls):
            return value
        if isinstance(value, (str, PathLike, bytes)) or callable(getattr(value, "read", None)):
            return cls(value)
        if callable(getattr(getattr(value, "fp", None), "read", None)):
            return cls(value.fp, value.filename, value.description)
        raise TypeError(f"{type(value).__name__} is not a file: pass a path, bytes, an open file or a File.")

    @property
    def name(self) -> str:
        """The file name that is sent."""
        source_name = fspath(self.source) if isinstance(self.source, (str, PathLike)) else ""
        own = self.filename or source_name or getattr(self.source, "name", "")
        name = Path(own).name if isinstance(own, str) and own else "file"
        return f"SPOILER_{name}" if self.spoiler and not name.startswith("SPOILER_") else name

    def read(self) -> bytes:
        """Return the content; the caller stores it for retries."""
        if isinstance(self.source, bytes):
            return self.source
        if isinstance(self.source, (str, PathLike)):
            return Path(self.source).read_bytes()
        return self.source.read()

    def part(self, field: str) -> Part:
        """Return the file as a part of a multipart form."""
        kind = self.content_type or mimetypes.guess_type(self.name)[0] or "application/octet-stream"
        return Part(field, self.read(), kind, self.name)


FileLike: TypeAlias = "str | PathLike[str] | bytes | IO[bytes] | BufferedIOBase | File | HasFile"
"""A path, bytes, an open binary file, a `File`, or a discord.File."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart form, in memory so that it can be resent."""

    name: str
    data: bytes
    content_type: str | None = None
    filename: str | None = None


def message_parts(body: Mapping[str, Any], files: Sequence[Any], encode: Any) -> list[Part]:
    """Build a message's form: `payload_json` with the attachments' metadata, then `files[n]`.

    https://discord.com/developers/docs/reference#uploading-files
    """
    uploads = [File.of(file) for file in files]
    fresh = [
        {"id": number, "filename": file.name}
        | ({"description": file.description} if file.description else {})
        for number, file in enumerate(uploads)
    ]
    # An interaction callback has its attachments in `data`, a forum post in `message`.
    place = next((name for name in ("data", "message") if isinstance(body.get(name), Mapping)), None)
    holder = dict(body[place]) if place else dict(body)
    holder["attachments"] = [*(holder.get("attachments") or ()), *fresh]
    payload = {**body, place: holder} if place else holder
    parts = [Part("payload_json", encode(payload), "application/json")]
    return parts + [file.part(f"files[{number}]") for number, file in enumerate(uploads)]


def form_parts(fields: Mapping[str, Any]) -> list[Part]:
    """Build the form of an operation with plain fields and a file (stickers)."""
    return [
        Part(name, str(value).encode())
        if name not in ("file", "target_users_file")
        else File.of(value).part(name)
        for name, value in fields.items()
        if value is not None
    ]
