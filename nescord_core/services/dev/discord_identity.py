"""Finds out which Discord and which bot `nescord dev` is about to use, before anything starts."""

from __future__ import annotations

from urllib.parse import urlsplit

import aiohttp

from nescord_core._version import USER_AGENT
from nescord_core.config import Config
from nescord_core.discord_api.tokens import application_id
from nescord_core.errors import TokenRejected

__all__ = ["described", "is_real"]

TIMEOUT = 2.0
REAL = ("discord.com", "discordapp.com")


def is_real(api_url: str) -> bool:
    """Return whether an address is Discord's own."""
    host = urlsplit(api_url).hostname or ""
    return host in REAL or host.endswith(tuple(f".{name}" for name in REAL))


async def described(config: Config, *, ask: bool) -> str:
    """Return which Discord is used, as which bot, and where the token comes from.

    With ``ask``, Discord is asked for the bot's name; without an answer in time its id has to do.

    Raises:
        TokenRejected: Discord has answered 401.

    """
    url, token = config["discord.api_url"], config.require_token()
    name = await _name(config, url, token) if ask else ""
    if not name:
        number = application_id(token)
        name = f"the bot {number}" if number else "your bot"
    discord = "the real Discord" if is_real(url) else url
    local = "; --sandbox uses the local one" if ask else ""
    return f"Using {discord} as {name} (token: {config.values['token'].source}){local}"


async def _name(config: Config, url: str, token: str) -> str:
    headers = {"Authorization": f"Bot {token}", "User-Agent": USER_AGENT}
    limit = aiohttp.ClientTimeout(total=TIMEOUT)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit, headers=headers) as session,
            session.get(
                f"{url}/users/@me", allow_redirects=False, proxy=config.proxies.proxy_for(url)
            ) as answer,
        ):
            if answer.status == 401:
                raise TokenRejected(seen="GET /users/@me answered 401")
            if answer.status != 200:
                return ""
            user = await answer.json()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return ""  # rest and ws say what is wrong with the connection
    if not isinstance(user, dict) or not user.get("username"):
        return ""
    tag = str(user.get("discriminator") or "0")
    return str(user["username"]) + (f"#{tag}" if tag.strip("0") else "")
