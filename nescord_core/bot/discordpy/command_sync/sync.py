"""Syncs Discord's application commands with the bot's code during development."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import discord

from nescord_core.bot.discordpy import internals
from nescord_core.bot.discordpy.command_sync.diff import Diff, diff, hashes, key_of
from nescord_core.process.state_dir import read_bytes, replace_file

__all__ = ["EVERYWHERE", "keep_synced", "sync"]

log = logging.getLogger("nescord.main")

EVERYWHERE = "global"
SETTLING = 0.5
"""Seconds without a change after which a tree counts as complete."""


async def keep_synced(client: discord.Client, where: str, state_dir: Path) -> None:
    """Sync once the client is ready; ``where`` is `EVERYWHERE` or the id of a guild.

    Errors are logged and do not stop the bot.
    """
    try:
        await client.wait_until_ready()
        await _until_complete(client, where)
        changes = await sync(client, where, state_dir / "commands.json")
    except discord.HTTPException as error:
        log.error("cannot sync the application commands: %s", error)
    except (OSError, discord.app_commands.AppCommandError) as error:
        log.error("cannot sync the application commands: %s", error)
    else:
        if changes:
            place = "" if where == EVERYWHERE else f" of guild {where}"
            log.info("commands%s synced: %s", place, changes)


async def _until_complete(client: discord.Client, where: str) -> None:
    """Wait until the tree stops growing: many bots load their cogs when ready, then sync by themselves."""
    before, now = None, await _wanted(client, where)
    while now != before:
        await asyncio.sleep(SETTLING)
        before, now = now, await _wanted(client, where)


async def _wanted(client: discord.Client, where: str) -> list[dict[str, Any]] | None:
    return await internals.command_payloads(client, None if where == EVERYWHERE else int(where))


async def sync(client: discord.Client, where: str, hash_file: Path) -> Diff:
    """Sync if a hash has changed, and return the changes; ``hash_file`` stores the hashes."""
    wanted = await _wanted(client, where)
    if wanted is None or client.application_id is None:
        return Diff()  # the client has no tree
    present = [key_of(each) for each in await _present(client, where)]
    place = f"{client.application_id}:{where}"
    known = _read(hash_file)
    before, now = known.get(place, {}), hashes(wanted)
    if not now and not before:
        return Diff()  # whatever commands there are, they do not come from this tree
    changes = diff(now, before, present)
    if changes:
        await _replace(client, where, wanted)
        _write(hash_file, {**known, place: now})
    return changes


async def _present(client: discord.Client, where: str) -> Sequence[Mapping[str, Any]]:
    assert client.application_id is not None
    if where == EVERYWHERE:
        return await client.http.get_global_commands(client.application_id)
    return await client.http.get_guild_commands(client.application_id, int(where))


async def _replace(client: discord.Client, where: str, wanted: list[Any]) -> None:
    assert client.application_id is not None
    if where == EVERYWHERE:
        await client.http.bulk_upsert_global_commands(client.application_id, payload=wanted)
    else:
        await client.http.bulk_upsert_guild_commands(client.application_id, int(where), payload=wanted)


def _read(hash_file: Path) -> dict[str, dict[str, str]]:
    try:
        found = json.loads(read_bytes(hash_file))
        return {place: {key: str(value) for key, value in known.items()} for place, known in found.items()}
    except (OSError, ValueError, AttributeError):
        return {}  # every command counts as changed, once


def _write(hash_file: Path, known: Mapping[str, Mapping[str, str]]) -> None:
    replace_file(hash_file, json.dumps(known).encode())
