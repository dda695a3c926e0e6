"""Checks with Discord's API: the token, the intents, the IDENTIFYs left, and the clock."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from nescord_core._version import USER_AGENT
from nescord_core.config import Config
from nescord_core.events import Intents
from nescord_core.process.os_errors import reason_of
from nescord_core.services.doctor.findings import Finding, failed, passed, warning

__all__ = ["examine", "looks_like_a_token"]

_TIMEOUT = aiohttp.ClientTimeout(total=8)
_TOKEN = re.compile(r"[\w-]{18,}\.[\w-]{5,}\.[\w-]{20,}")
_SKEW = 2.0
"""Seconds; an interaction must be answered within three, by Discord's clock."""

# https://discord.com/developers/docs/resources/application#application-object-application-flags
_ALLOWED: Mapping[Intents, int] = {
    Intents.GUILD_PRESENCES: 1 << 12 | 1 << 13,
    Intents.GUILD_MEMBERS: 1 << 14 | 1 << 15,
    Intents.MESSAGE_CONTENT: 1 << 18 | 1 << 19,
}


def looks_like_a_token(token: str) -> bool:
    """Return whether it has the usual three parts of a bot token; Discord guarantees no format."""
    return _TOKEN.fullmatch(token) is not None


@dataclass(frozen=True)
class _Answer:
    status: int
    body: Any
    skew: float | None


async def examine(config: Config) -> list[Finding]:
    """Call /users/@me, /applications/@me and /gateway/bot, and check the answers."""
    url = config["discord.api_url"]
    headers = {"Authorization": f"Bot {config.token}", "User-Agent": USER_AGENT}
    try:
        async with aiohttp.ClientSession(timeout=_TIMEOUT, headers=headers) as session:
            proxy = config.proxies.proxy_for(url)
            me, application, gateway = await asyncio.gather(
                *(
                    _get(session, f"{url}{path}", proxy)
                    for path in ("/users/@me", "/applications/@me", "/gateway/bot")
                )
            )
    except (aiohttp.ClientError, TimeoutError) as error:
        fix = "Check the network and discord.api_url (DISCORD_API_URL); --offline skips this check."
        return [warning("Discord", f"{url} cannot be reached ({reason_of(error)})", fix)]
    if me.status == 401:
        fix = "Reset it in the Developer Portal (Bot), and set DISCORD_BOT_TOKEN to the new one."
        return [failed("Discord", f"{url} rejects the token", fix), *_clock(me)]
    if me.status != 200:
        return [warning("Discord", f"{url}/users/@me answered {me.status}", "Try again later.")]
    return [
        passed("Discord", f"{url} accepts the token of {me.body.get('username')} ({me.body.get('id')})"),
        *_clock(me),
        *_allowed(config, application),
        *_guilds(application),
        *_budget(config, gateway),
    ]


async def _get(session: aiohttp.ClientSession, url: str, proxy: str | None) -> _Answer:
    began = time.time()
    async with session.get(url, allow_redirects=False, proxy=proxy) as answer:
        ended = time.time()
        try:
            body = await answer.json()
        except (aiohttp.ClientError, ValueError):
            body = None
        return _Answer(answer.status, body, _skew(answer.headers.get("Date", ""), began, ended))


def _skew(date: str, began: float, ended: float) -> float | None:
    """Return how many seconds this clock is ahead. A Date header has a resolution of one second."""
    try:
        theirs = parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError):
        return None
    if began - 1 <= theirs <= ended:
        return 0.0
    return (began + ended) / 2 - (theirs + 0.5)


def _clock(answer: _Answer) -> Iterator[Finding]:
    if answer.skew is None:
        return
    if abs(answer.skew) > _SKEW:
        way = "ahead of" if answer.skew > 0 else "behind"
        text = f"{abs(answer.skew):.0f} s {way} Discord's, so the age of interactions is wrong"
        yield warning("clock", text, "Synchronise the system clock: timedatectl set-ntp true")
    else:
        yield passed("clock", "agrees with Discord's")


def _portal(application: _Answer) -> str:
    """Return the page of the Developer Portal with the intents' switches."""
    number = str(application.body.get("id") or "")
    return f"https://discord.com/developers/applications/{number}/bot" if number.isdigit() else "Bot"


def _guilds(application: _Answer) -> Iterator[Finding]:
    """Say how to add a bot that no guild has; the number is an estimate of Discord's."""
    if isinstance(application.body, dict) and application.body.get("approximate_guild_count") == 0:
        yield warning("guilds", "the bot is in no server", "Add it: nescord invite prints the link.")


def _allowed(config: Config, application: _Answer) -> Iterator[Finding]:
    """Compare the privileged intents with those enabled in the Developer Portal."""
    if application.status != 200 or not isinstance(application.body, dict):
        return
    flags = int(application.body.get("flags") or 0)
    wanted = Intents(config["bot.intents"])
    refused = [each for each, bits in _ALLOWED.items() if each & wanted and not flags & bits]
    if refused:
        names = ", ".join(str(each.name).lower() for each in refused)
        yield failed(
            "application",
            f"not enabled in the Developer Portal: {names} (the gateway would close with 4014)",
            f"Enable it under Privileged Gateway Intents at {_portal(application)},"
            " or remove it from bot.intents.",
        )
    else:
        yield passed("application", "every requested privileged intent is enabled")


def _budget(config: Config, gateway: _Answer) -> Iterator[Finding]:
    if gateway.status != 200 or not isinstance(gateway.body, dict):
        return
    limit = gateway.body.get("session_start_limit", {})
    left, total = limit.get("remaining", 0), limit.get("total", 0)
    hours = limit.get("reset_after", 0) / 3_600_000
    text = f"{left} of {total} IDENTIFYs left, reset in {hours:.1f} h"
    if left <= config["ws.identify_reserve"]:
        fix = "Wait: ws holds back ws.identify_reserve, because Discord resets the token once all are spent."
        yield warning("IDENTIFYs", text, fix)
    else:
        yield passed("IDENTIFYs", text)
    recommended, chosen = int(gateway.body.get("shards", 1)), config["ws.shards"]
    if chosen is not None and chosen < recommended:
        fix = "Set ws.shards to auto, or to a multiple of the recommended number."
        yield warning("shards", f"{chosen}, but Discord recommends {recommended}", fix)
    else:
        yield passed("shards", f"{chosen or recommended} (Discord recommends {recommended})")
