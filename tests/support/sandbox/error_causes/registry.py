"""The registry of calls that cause Discord's error codes, and what the causes have in common."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from nescord_core.sandbox.http.refusals.error_codes import SENT
from nescord_core.sandbox.world.simcord.model import Overwrite, SimcordModel, permission_flag
from support.sandbox.running_rest import Rest, general, guild

Cause = Callable[[Rest], Awaitable[int]]
CAUSES: dict[int, Cause] = {}
SOUND = {"name": "beep", "sound": "data:audio/ogg;base64,T2dnUw=="}


def cause(code: int) -> Callable[[Cause], Cause]:
    """Register what causes a code; it returns the code that it got."""

    def enter(function: Cause) -> Cause:
        assert code not in CAUSES
        CAUSES[code] = function
        return function

    return enter


async def code_of(rest: Rest, method: str, path: str, body: Any = None, **options: Any) -> int:
    reply = await rest.call(method, path, body, **options)
    assert reply.status >= 400, f"{method} {path}: {reply.status} {reply.body}"
    code: int = reply.body["code"]
    if code in SENT and code not in (0, 50035, 50027):
        assert reply.status == SENT[code][0], reply.body
    return code


def always(code: int, method: str, path: str, body: Any = None, **options: Any) -> None:
    """Register a code that one call causes. {guild}, {general}, {app} are replaced in the path."""

    async def call(rest: Rest) -> int:
        where = {"guild": guild(rest), "general": general(rest), "app": f"/applications/{me(rest)}"}
        return await code_of(rest, method, path.format_map(where), body, **options)

    cause(code)(call)


def me(rest: Rest) -> int:
    return rest.world.application_id


def model_of(rest: Rest) -> SimcordModel:
    return rest.world.model


def guild_of(rest: Rest) -> Any:
    return rest.world.find_guild()


def user(rest: Rest, name: str) -> int:
    return rest.world.find_user(name).id


async def say(rest: Rest, body: Any, path: str = "") -> Any:
    return await rest.ok("POST", f"{path or general(rest)}/messages", body)


async def channel(rest: Rest, kind: int, **fields: Any) -> str:
    made = await rest.ok("POST", f"{guild(rest)}/channels", {"name": "made", "type": kind, **fields})
    return f"/channels/{made['id']}"


async def thread(rest: Rest, **changes: Any) -> str:
    made = await rest.ok("POST", f"{general(rest)}/threads", {"name": "talk", "type": 11})
    path = f"/channels/{made['id']}"
    if changes:
        await rest.ok("PATCH", path, changes)
    return path


async def direct(rest: Rest) -> str:
    made = await rest.ok("POST", "/users/@me/channels", {"recipient_id": str(user(rest, "bob"))})
    return f"/channels/{made['id']}"


async def hook(rest: Rest, where: str) -> str:
    made = model_of(rest).create_webhook(int(where.rsplit("/", 1)[1]), "hook", me(rest))
    return f"/webhooks/{made.id}/{made.token}"


async def interaction(rest: Rest) -> str:
    await rest.ok("PUT", f"/applications/{me(rest)}/commands", [{"name": "x", "description": "d"}])
    used = rest.world.interact("general", "alice", "x")
    return f"/interactions/{used['id']}/{used['token']}/callback"


def take_permission(rest: Rest, *names: str) -> None:
    """Deny the bot permissions in #general."""
    deny = sum(permission_flag(each) for each in names)
    place = rest.world.find_channel("general")
    place.overwrites.append(Overwrite(me(rest), 1, deny=deny))  # type: ignore[arg-type]


def upload(payload: Any, *files: tuple[str, bytes]) -> aiohttp.FormData:
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("payload_json", json.dumps(payload))
    for at, (name, data) in enumerate(files):
        form.add_field(f"files[{at}]", data, filename=name)
    return form


def sticker(name: str, data: bytes) -> aiohttp.FormData:
    form = aiohttp.FormData()
    for field in ("name", "description", "tags"):
        form.add_field(field, "sticker")
    form.add_field("file", data, filename=name)
    return form


def commands(first: int, count: int) -> list[dict[str, Any]]:
    return [{"name": f"c{each}", "description": "d"} for each in range(first, first + count)]


def event(**fields: Any) -> dict[str, Any]:
    lounge = {"entity_metadata": {"location": "here"}, "scheduled_end_time": "2040-01-02T00:00:00Z"}
    start = {"name": "e", "privacy_level": 2, "scheduled_start_time": "2040-01-01T00:00:00Z"}
    return {**start, "entity_type": 3, **lounge, **fields}
