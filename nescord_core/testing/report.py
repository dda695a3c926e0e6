"""What a failed test shows: who said what, and how the bot handled each event."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from nescord_core.errors import NescordError
from nescord_core.testing.sandbox_calls import Stage

__all__ = ["trace", "transcript"]

SETTLING = 2.0
"""Seconds that handlers which still run get to end before they are shown as running."""
POLL = 0.05
LONGEST = 300


def transcript(stage: Stage) -> str:
    """Return the messages of the test's guilds and direct messages, by channel."""
    lines: list[str] = []
    users = set(stage.user_ids)
    for guild_id in stage.guild_ids:
        state = stage.line.blocking(stage.control_call("GET", f"/state?guild={guild_id}&tail=50"))
        lines += _channels(state["guilds"][0]["channels"], "#")
        direct = [each for each in state["direct"] if _recipients(each) & users]
        lines += _channels(direct, "direct messages ")
        users = set()  # shown once
    return "\n".join(lines) or "nobody has written anything"


def _recipients(channel: Mapping[str, Any]) -> set[str]:
    return {str(each["id"]) for each in channel.get("recipients", ())}


def _channels(channels: Any, prefix: str) -> Iterator[str]:
    for channel in channels:
        if not channel["messages"]:
            continue
        people = ", ".join(str(each["username"]) for each in channel.get("recipients", ()))
        yield f"{prefix}{channel.get('name') or people}"
        for message in channel["messages"]:
            yield f"  {_message(message)}"


def _message(message: Mapping[str, Any]) -> str:
    parts = [str(message["content"])] if message["content"] else []
    parts += [f"[embed: {each.get('title') or each.get('description') or ''}]" for each in message["embeds"]]
    parts += [f"[file: {each['filename']}]" for each in message["attachments"]]
    parts += [f"[{label}]" for label in _labels(message["components"])]
    parts += [f"{each['emoji']['name']}x{each['count']}" for each in message.get("reactions", ())]
    parts += ["(ephemeral)"] if message.get("flags", 0) & 64 else []
    parts += [f"(system message, type {message['type']})"] if message["type"] not in (0, 19, 20, 23) else []
    when = datetime.fromisoformat(message["timestamp"]).astimezone().strftime("%H:%M:%S")
    return _cut(f"{when} {message['author']['username']}: {' '.join(parts)}")


def _labels(components: Any) -> Iterator[str]:
    for each in components:
        yield from _labels(each.get("components", ()))
        if each.get("label") or each.get("placeholder"):
            yield str(each.get("label") or each["placeholder"])


def trace(stage: Stage, since: float) -> str:
    """Return the events of the test, the calls that the bot made for each, and the errors of its handlers.

    ``since`` is in seconds since the epoch.
    """
    from nescord_core.services.recording.files import recent

    found: list[Any] = []
    end = time.monotonic() + SETTLING
    while time.monotonic() < end:
        with suppress(NescordError):  # nothing has been handled yet
            found = [each for each in recent(stage.state_dir) if _concerns(each, stage.guild_ids, since)]
        if found and all(each.ended for each in found):
            break
        time.sleep(POLL)
    return "\n".join(line for each in found for line in _episode(each)) or "the bot has handled no event"


def _concerns(episode: Any, guild_ids: Collection[str], since: float) -> bool:
    event = episode.event
    return bool(event.received_at >= since and (not event.guild_id or str(event.guild_id) in guild_ids))


def _episode(episode: Any) -> Iterator[str]:
    from nescord_core.bot.observing.summary import summary_of
    from nescord_core.tracing.comparison import spelled

    event = episode.event
    when = datetime.fromtimestamp(event.received_at).astimezone().strftime("%H:%M:%S.%f")[:-3]
    yield _cut(f"{when} {event.type}  {summary_of(bytes(event.data))}")
    for run in episode.handlers:
        failure = f"  {run.error}  ({run.error_place})" if run.error else ""
        yield f"  {run.name}  {run.ms:.0f} ms{failure}"
    for call in episode.calls:
        yield _cut(f"    {spelled(call)}  {call.status or 'no answer'}  {call.ms:.0f} ms")
    if not episode.ended:
        yield "    its handlers still run"


def _cut(text: str) -> str:
    text = json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"')
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
