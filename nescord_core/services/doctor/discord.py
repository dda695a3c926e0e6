"""What Discord says: of the token, the intents, the IDENTIFYs left, and the time."""

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
"""Seconds; an interaction has to be answered within three, by Discord's clock."""

# https://discord.com/developers/docs/resources/application#application-object-application-flags
_ALLOWED: Mapping[Intents, int] = {
    Intents.GUILD_PRESENCES: 1 << 12 | 1 << 13,
    Intents.GUILD_MEMBERS: 1 << 14 | 1 << 15,
    Intents.MESSAGE_CONTENT: 1 << 18 | 1 << 19,
}


def looks_like_a_token(token: str) -> bool:
    """Say whether it has the three parts of a bot's token; Discord promises no form."""
    return _TOKEN.fullmatch(token) is not None


@dataclass(frozen=True)
class _Answer:
    status: int
    body: Any
    skew: float | None


async def examine(config: Config) -> list[Finding]:
    """Ask /users/@me, the application and /gateway/bot."""
    url = config["discord.api_url"]
    headers = {"Authorization": f"Bot {config.token}", "User-Agent": USER_AGENT}
    try:
        async with aiohttp.ClientSession(timeout=_TIMEOUT, headers=headers) as session:
            me, application, gateway = await asyncio.gather(
                *(
                    _get(session, f"{url}{path}")
                    for path in ("/users/@me", "/applications/@me", "/gateway/bot")
                )
            )
    except (aiohttp.ClientError, TimeoutError) as error:
        fix = "Check the network and discord.api_url (DISCORD_API_URL); --offline leaves this out."
        return [warning("Discord", f"{url} cannot be reached ({reason_of(error)})", fix)]
    if me.status == 401:
        fix = "Reset it in the Developer Portal, under Bot, and put the new one into DISCORD_BOT_TOKEN."
        return [failed("Discord", f"{url} does not accept the token", fix), *_clock(me)]
    if me.status != 200:
        return [warning("Discord", f"{url}/users/@me answered {me.status}", "Try again later.")]
    return [
        passed("Discord", f"{url} knows the bot as {me.body.get('username')} ({me.body.get('id')})"),
        *_clock(me),
        *_allowed(config, application),
        *_budget(config, gateway),
    ]


async def _get(session: aiohttp.ClientSession, url: str) -> _Answer:
    began = time.time()
    async with session.get(url, allow_redirects=False) as answer:
        ended = time.time()
        try:
            body = await answer.json()
        except (aiohttp.ClientError, ValueError):
            body = None
        return _Answer(answer.status, body, _skew(answer.headers.get("Date", ""), began, ended))


def _skew(date: str, began: float, ended: float) -> float | None:
    """Return how many seconds this clock is ahead; a Date header names a whole second."""
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
        text = f"{abs(answer.skew):.0f} s {way} Discord's: interactions look older or younger than they are"
        yield warning("clock", text, "Have the system keep time: timedatectl set-ntp true")
    else:
        yield passed("clock", "agrees with Discord's")


def _allowed(config: Config, application: _Answer) -> Iterator[Finding]:
    """Compare privileged intents with what the Developer Portal has switched on."""
    if application.status != 200 or not isinstance(application.body, dict):
        return
    flags = int(application.body.get("flags") or 0)
    wanted = Intents(config["bot.intents"])
    refused = [each for each, bits in _ALLOWED.items() if each & wanted and not flags & bits]
    if refused:
        names = ", ".join(str(each.name).lower() for each in refused)
        yield failed(
            "application",
            f"the Developer Portal does not allow: {names} (the gateway would close with 4014)",
            "Switch it on under Bot, Privileged Gateway Intents, or take it out of bot.intents.",
        )
    else:
        yield passed("application", "every intent that the bot asks for is allowed")


def _budget(config: Config, gateway: _Answer) -> Iterator[Finding]:
    if gateway.status != 200 or not isinstance(gateway.body, dict):
        return
    limit = gateway.body.get("session_start_limit", {})
    left, total = limit.get("remaining", 0), limit.get("total", 0)
    hours = limit.get("reset_after", 0) / 3_600_000
    text = f"{left} of {total} IDENTIFYs left, anew in {hours:.1f} h"
    if left <= config["ws.identify_reserve"]:
        fix = (
            "Wait: ws keeps ws.identify_reserve in hand, because Discord resets the token of who uses up all."
        )
        yield warning("IDENTIFYs", text, fix)
    else:
        yield passed("IDENTIFYs", text)
    recommended, chosen = int(gateway.body.get("shards", 1)), config["ws.shards"]
    if chosen is not None and chosen < recommended:
        fix = "Set ws.shards to auto, or to a multiple of that number."
        yield warning("shards", f"{chosen}, where Discord recommends {recommended}", fix)
    else:
        yield passed("shards", f"{chosen or recommended} (Discord recommends {recommended})")
