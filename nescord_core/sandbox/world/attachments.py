"""Attachments that embeds and components of a message show. Pure.

``attachment://NAME`` becomes the address of the file, and a file that is shown so is not listed among the
message's attachments (https://discord.com/developers/docs/resources/message#message-object, "attachments").
It is listed again once an edit removes the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

__all__ = [
    "link_components",
    "link_embeds",
    "request_components",
    "shown_embeds",
    "used_attachments",
]

Payload = dict[str, Any]
Files = Mapping[str, Mapping[str, Any]]
"""Attachments by the reference to them."""
FindFile = Callable[[str], Mapping[str, Any] | None]
"""Returns what is known of the file at an address: content type, width, height; None for another host's."""

SCHEME = "attachment://"
MEDIA_PARTS = ("image", "thumbnail", "video")
ICON_PARTS = ("author", "footer")
REQUEST_FIELDS = frozenset({"url", "description"})
"""Fields of an embed's media that a request sets; Discord finds the others itself."""
MEDIA_FACTS = ("content_type", "width", "height")
ATTACHMENT_ID = "attachment_id"
"""Stored in an embed's parts too, where Discord does not show it; `shown_embeds` removes it."""
ICON_FACTS = frozenset({"proxy_icon_url", ATTACHMENT_ID})
THUMBNAIL, MEDIA_GALLERY, FILE = 11, 12, 13
RICH = "rich"


def link_embeds(
    embeds: Iterable[Mapping[str, Any]], attachments: Iterable[Mapping[str, Any]], find_file: FindFile
) -> list[Payload]:
    """Return embeds of a request as they are stored: of type ``rich``, and with references resolved.

    A reference to an unknown file stays as it is.
    """
    files = {f"{SCHEME}{each['filename']}": each for each in attachments}
    linked: list[Payload] = []
    for embed in embeds:
        stored: Payload = {**embed, "type": RICH}
        for name in MEDIA_PARTS:
            if embed.get(name):
                stored[name] = _linked_media(embed[name], files, find_file)
        for name in ICON_PARTS:
            if embed.get(name):
                stored[name] = _linked_icon(embed[name], files)
        linked.append(stored)
    return linked


def _linked_media(part: Mapping[str, Any], files: Files, find_file: FindFile) -> Payload:
    if _is_linked(part, files):
        return dict(part)
    media = {name: value for name, value in part.items() if name in REQUEST_FIELDS and value is not None}
    url = media.get("url") or ""
    if url in files:
        return {**media, **_address(files[url]), **_facts(files[url]), ATTACHMENT_ID: files[url]["id"]}
    return {**media, "proxy_url": url, **_facts(find_file(url) or {})} if _is_remote(url) else media


def _linked_icon(part: Mapping[str, Any], files: Files) -> Payload:
    if _is_linked(part, files):
        return dict(part)
    icon = {name: value for name, value in part.items() if name not in ICON_FACTS and value is not None}
    url = icon.get("icon_url") or ""
    if url in files:
        address = {f"{name[:-3]}icon_url": value for name, value in _address(files[url]).items()}
        return {**icon, **address, ATTACHMENT_ID: files[url]["id"]}
    return {**icon, "proxy_icon_url": url} if _is_remote(url) else icon


def _is_linked(part: Mapping[str, Any], files: Files) -> bool:
    """Return whether a part shows one of these files already, as in a message that is published elsewhere."""
    return any(each["id"] == part.get(ATTACHMENT_ID) for each in files.values())


def _is_remote(url: str) -> bool:
    return url.startswith(("http://", "https://"))


def _address(attachment: Mapping[str, Any]) -> Payload:
    return {"url": attachment["url"], "proxy_url": attachment["proxy_url"]}


def _facts(known: Mapping[str, Any]) -> Payload:
    return {name: known[name] for name in MEDIA_FACTS if name in known}


def link_components(
    components: Iterable[Mapping[str, Any]], attachments: Iterable[Mapping[str, Any]], find_file: FindFile
) -> None:
    """Add what is known of each file to the media of components whose references are resolved already."""
    by_id = {each["id"]: each for each in attachments}
    for media in _media_of(components):
        attachment = by_id.get(media.get(ATTACHMENT_ID))
        if attachment is None:
            media.setdefault("proxy_url", media.get("url"))
            media.update(_facts(find_file(str(media.get("url"))) or {}))
        else:
            media.update(_facts(attachment), id=attachment["id"])


def request_components(components: Any) -> Any:
    """Return a request's components without what only responses have in media; clients send it back."""
    if not isinstance(components, list):
        return components
    copied = deepcopy(components)
    for media in _media_of(copied):
        for name in media.keys() - {"url"}:
            del media[name]
    return copied


def _media_of(components: Iterable[Any]) -> Iterator[Payload]:
    """Return the media of thumbnails, galleries and files, at any depth."""
    for each in components:
        if not isinstance(each, dict):
            continue
        holders: Sequence[Any] = (each,)
        if each.get("type") == MEDIA_GALLERY and isinstance(each.get("items"), list):
            holders = each["items"]
        key = "file" if each.get("type") == FILE else "media"
        if each.get("type") in (THUMBNAIL, MEDIA_GALLERY, FILE):
            media = [found.get(key) for found in holders if isinstance(found, dict)]
            yield from (found for found in media if isinstance(found, dict))
        children = each.get("components")
        yield from _media_of([*(children if isinstance(children, list) else ()), each.get("accessory")])


def used_attachments(
    embeds: Iterable[Mapping[str, Any]], components: Iterable[Mapping[str, Any]]
) -> frozenset[str]:
    """Return the ids of the attachments that embeds and components show."""
    parts = [embed[name] for embed in embeds for name in (*MEDIA_PARTS, *ICON_PARTS) if embed.get(name)]
    found = (each.get(ATTACHMENT_ID) for each in (*parts, *_media_of(components)))
    return frozenset(str(each) for each in found if each is not None)


def shown_embeds(embeds: Iterable[Mapping[str, Any]]) -> list[Payload]:
    """Return stored embeds as the API shows them."""
    return [
        {
            name: {key: each for key, each in value.items() if key != ATTACHMENT_ID}
            if name in (*MEDIA_PARTS, *ICON_PARTS) and isinstance(value, dict)
            else value
            for name, value in embed.items()
        }
        for embed in embeds
    ]
