"""Decodes request bodies: JSON, URL-encoded forms, and multipart forms with files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from nescord_core.sandbox.http.operation_call import Upload
from nescord_core.sandbox.json_decoding import InvalidJson, decode_json

__all__ = ["BodyTooLarge", "InvalidBody", "read_body"]

MAX_BODY = 25 << 20
"""Bytes of a request with its files; more is a 413."""
METADATA = ("title", "waveform", "duration_secs", "is_spoiler")
DIGITS = re.compile(r"\d+")


class InvalidBody(ValueError):
    """The body does not match its content type."""


class BodyTooLarge(ValueError):
    """The body is larger than Discord accepts."""


async def read_body(request: web.Request) -> tuple[Any, list[Upload]]:
    """Return the decoded body (None without one) and the files. Raises InvalidBody, BodyTooLarge."""
    if not request.body_exists:
        return None, []
    if (request.content_length or 0) > MAX_BODY:
        raise BodyTooLarge
    if request.content_type.startswith("multipart/"):
        return await _multipart(request)
    data = await _read_all(request)
    if not data:
        return None, []
    if request.content_type == "application/x-www-form-urlencoded":
        return _form(dict(parse_qsl(data.decode("utf-8", "replace")))), []
    return _json(data), []


async def _read_all(request: web.Request) -> bytes:
    data = bytearray()
    async for chunk in request.content.iter_any():
        data += chunk
        if len(data) > MAX_BODY:
            raise BodyTooLarge
    return bytes(data)


def _json(data: bytes) -> Any:
    try:
        return decode_json(data)
    except InvalidJson as error:
        raise InvalidBody(str(error)) from error


def _form(fields: Mapping[str, str]) -> Any:
    return _json(fields["payload_json"].encode()) if "payload_json" in fields else dict(fields)


async def _multipart(request: web.Request) -> tuple[Any, list[Upload]]:
    try:
        reader = await request.multipart()
        fields: dict[str, str] = {}
        files: list[Upload] = []
        size = 0
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader):
                continue
            data = bytes(await part.read(decode=True))
            size += len(data)
            if size > MAX_BODY:
                raise BodyTooLarge
            if part.filename is not None:
                files.append(Upload(part.name or "file", part.filename, data))
            else:
                fields[part.name or ""] = data.decode("utf-8", "replace")
    except (AssertionError, HttpProcessingError, RuntimeError, ValueError) as error:
        if isinstance(error, BodyTooLarge):
            raise
        raise InvalidBody(str(error)) from error
    files.sort(key=lambda each: _index(each.field_name))
    body = _form(fields)
    return body, _with_attachment_metadata(body, files)


def _index(name: str) -> int:
    found = DIGITS.search(name)
    return int(found[0]) if found else 0


def _with_attachment_metadata(body: Any, files: list[Upload]) -> list[Upload]:
    """Return the files with the names and descriptions that ``attachments`` gives them by number.

    ``attachments`` is in the body, in ``data`` of an interaction's response, or in ``message`` of a forum
    post.
    """
    if not isinstance(body, dict):
        return files
    for part in (body, body.get("data"), body.get("message")):
        if not isinstance(part, dict) or not isinstance(part.get("attachments"), list):
            continue
        facts = {str(each.get("id")): each for each in part["attachments"] if isinstance(each, dict)}
        for file in files:
            known = facts.get(str(_index(file.field_name)), {})
            file.filename = known.get("filename") or file.filename
            file.description = known.get("description")
            file.metadata = {name: known[name] for name in METADATA if known.get(name) is not None}
    return files
