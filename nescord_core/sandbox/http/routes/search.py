"""Search in the messages of a guild, and in the threads of a channel.

https://discord.com/developers/docs/resources/message#search-guild-messages
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from nescord_core.sandbox.http.operation_call import Call, Routes, parse_ids, query_flag
from nescord_core.sandbox.world.extra_fields import extra_fields_of
from nescord_core.sandbox.world.simcord.model import Channel, Message, channel_accessible, serializers

__all__ = ["ROUTES"]

ROUTES = Routes()
LINK = re.compile(r"https?://[^\s<>]+")
MAX_ID = 1 << 64
REPLY = 19

Payload = dict[str, Any]
Test = Callable[[Message, Payload], bool]


@ROUTES.answers("guild_search")
def _guild_search(call: Call) -> Any:
    """Search by every parameter of the document; relevance is the number of hits, then the time."""
    call.require_permissions("read_message_history")
    tests = list(_tests(call))
    found = [each for each in _searchable_messages(call) if _matches(call, each, tests)]
    words = call.query.get("content", "").lower().split()
    if call.query.get("sort_by") == "relevance":
        found.sort(key=lambda each: (_occurrences(each, words), each.id), reverse=True)
    else:
        found.sort(key=lambda each: each.id, reverse=True)
    if call.query.get("sort_order") == "asc":
        found.reverse()
    page = _page_of(call, found)
    payload = [[_hit(call, each)] for each in page]
    threads = {each.channel_id for each in page if call.world.model.channels[each.channel_id].is_thread}
    listed = serializers.thread_list_payload(
        call.world.model, [call.world.model.channels[each] for each in sorted(threads)]
    )
    whole = {"messages": payload, "doing_deep_historical_index": False, "total_results": len(found)}
    return {**whole, **listed} if threads else whole


def _page_of(call: Call, found: Sequence[Any]) -> Sequence[Any]:
    offset = int(call.query.get("offset", 0))
    return found[offset : offset + int(call.query.get("limit", 25))]


def _hit(call: Call, message: Message) -> Payload:
    return {**call.world.message(message), "hit": True}


def _occurrences(message: Message, words: Iterable[str]) -> int:
    text = message.content.lower()
    return sum(text.count(each) for each in words)


def _searchable_messages(call: Call) -> Iterable[Message]:
    model = call.world.model
    for channel_id in (*call.guild.channel_ids, *call.guild.thread_ids):
        if not channel_accessible(model, channel_id, model.bot_user.id, history=True):
            continue
        if extra_fields_of(_parent(call, channel_id)).get("nsfw") and not query_flag(call, "include_nsfw"):
            continue
        yield from (each for each in model.messages[channel_id].values() if not each.is_ephemeral)


def _parent(call: Call, channel_id: int) -> Channel:
    channels = call.world.model.channels
    channel = channels[channel_id]
    return channels.get(channel.parent_id or 0, channel) if channel.is_thread else channel


def _matches(call: Call, message: Message, tests: Iterable[Test]) -> bool:
    payload = call.world.message(message)
    return all(test(message, payload) for test in tests)


def _tests(call: Call) -> Iterable[Test]:
    """Yield the tests that a message must pass, one for each parameter."""
    query = call.query
    words = query.get("content", "").lower().split()
    if words:
        yield lambda each, _: all(word in each.content.lower() for word in words)
    lowest, highest = int(query.get("min_id", 0)), int(query.get("max_id", MAX_ID))
    yield lambda each, _: lowest <= each.id <= highest
    for name in ("pinned", "mention_everyone"):
        if name in query:
            yield _equals(name, query_flag(call, name))
    for name, read in READERS.items():
        if values := call.values(name):
            yield _one_of(read, frozenset(each.lower() for each in values))
    for name, read in NEGATABLE.items():
        if values := call.values(name):
            yield _any_and_none_of(read, values)


def _equals(name: str, value: bool) -> Test:
    return lambda each, _: getattr(each, name) is value


def _one_of(read: Callable[[Message, Payload], Iterable[str]], values: frozenset[str]) -> Test:
    return lambda each, payload: any(value.lower() in values for value in read(each, payload))


def _any_and_none_of(read: Callable[[Message, Payload], frozenset[str]], values: Sequence[str]) -> Test:
    """Return a test: any of the values is present, and none of those with a minus."""
    yes = {each for each in values if not each.startswith("-")}
    no = {each.removeprefix("-") for each in values} - yes

    def test(message: Message, payload: Payload) -> bool:
        has = read(message, payload)
        return not has & no and (not yes or bool(has & yes))

    return test


def _links(message: Message) -> list[str]:
    return LINK.findall(message.content)


def _content_kinds(message: Message, payload: Payload) -> frozenset[str]:
    """Return what a message contains, in the values of ``has``."""
    media = {str(each.get("content_type") or "").partition("/")[0] for each in payload["attachments"]}
    has = {
        "link": bool(_links(message)),
        "embed": bool(payload["embeds"]),
        "file": bool(payload["attachments"]),
        "image": "image" in media,
        "video": "video" in media,
        "sound": "audio" in media,
        "sticker": bool(payload.get("sticker_items")),
        "poll": "poll" in payload,
        "snapshot": bool(payload.get("message_snapshots")),
    }
    return frozenset(name for name, there in has.items() if there)


def _author_kind(message: Message, payload: Payload) -> frozenset[str]:
    if message.webhook_id is not None:
        return frozenset({"webhook"})
    return frozenset({"bot" if payload["author"].get("bot") else "user"})


def _replied_message(message: Message, payload: Payload) -> list[str]:
    return [payload["message_reference"]["message_id"]] if message.type == REPLY else []


def _replied_user(message: Message, payload: Payload) -> list[str]:
    referenced = payload.get("referenced_message") if message.type == REPLY else None
    return [referenced["author"]["id"]] if referenced else []


def _embed_types(_hit: Message, payload: Payload) -> list[str]:
    kinds = {"gifv": "gif", "rich": "article"}
    return [kinds.get(each.get("type", "rich"), each.get("type", "rich")) for each in payload["embeds"]]


READERS: Mapping[str, Callable[[Message, Payload], Iterable[str]]] = {
    "author_id": lambda each, _: [str(each.author_id)],
    "channel_id": lambda each, _: [str(each.channel_id)],
    "mentions": lambda _, payload: [user["id"] for user in payload["mentions"]],
    "mentions_role_id": lambda _, payload: payload["mention_roles"],
    "replied_to_message_id": _replied_message,
    "replied_to_user_id": _replied_user,
    "link_hostname": lambda each, _: [urlsplit(link).hostname or "" for link in _links(each)],
    "embed_provider": lambda _, payload: [
        (e.get("provider") or {}).get("name") or "" for e in payload["embeds"]
    ],
    "embed_type": _embed_types,
    "attachment_extension": lambda _, payload: [
        each["filename"].rpartition(".")[2] for each in payload["attachments"]
    ],
    "attachment_filename": lambda _, payload: [each["filename"] for each in payload["attachments"]],
}
"""The values of a message that a parameter is compared with; one equal value is enough."""

NEGATABLE: Mapping[str, Callable[[Message, Payload], frozenset[str]]] = {
    "has": _content_kinds,
    "author_type": _author_kind,
}


@ROUTES.answers("thread_search")
def _thread_search(call: Call) -> Any:
    call.require_channel_permissions("read_message_history")
    model = call.world.model
    found = [each for each in model.channels.values() if _thread_matches(call, each)]
    newest_first = call.query.get("sort_order") != "asc"
    by_creation = call.query.get("sort_by") == "creation_time"
    key = (lambda each: each.id) if by_creation else (lambda each: each.last_message_id or each.id)
    page = _page_of(call, sorted(found, key=key, reverse=newest_first))
    has_more = int(call.query.get("offset", 0)) + len(page) < len(found)
    payload = serializers.thread_list_payload(model, list(page), has_more=has_more)
    starters = [model.messages[each.id].get(each.id) for each in page]
    firsts = [call.world.message(each) for each in starters if each is not None]
    return {**payload, "total_results": len(found), "first_messages": firsts}


def _thread_matches(call: Call, thread: Channel) -> bool:
    if not thread.is_thread or thread.parent_id != call.id("channel_id"):
        return False
    query, model = call.query, call.world.model
    if not channel_accessible(model, thread.id, model.bot_user.id):
        return False
    if query.get("name", "").lower() not in (thread.name or "").lower():
        return False
    if not int(query.get("min_id", 0)) <= thread.id <= int(query.get("max_id", MAX_ID)):
        return False
    archived = thread.thread_metadata is not None and thread.thread_metadata.archived
    if "archived" in query and archived is not query_flag(call, "archived"):
        return False
    tags = set(parse_ids("tag", call.values("tag")))
    has = tags & set(thread.applied_tags)
    return not tags or (has == tags if query.get("tag_setting") == "match_all" else bool(has))
