"""discord.py's `Bot`, `AutoShardedBot`, `Client` and `AutoShardedClient` on nescord's transport.

Events come from ws and requests go through rest; everything else is discord.py's own::

    from nescord_core.bot.discordpy import Bot

    bot = Bot(command_prefix="!", intents=discord.Intents.default())

An unmodified file that imports discord.py's own classes runs as well: ``nescord run main bot.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

from nescord_core.bot.discordpy import transport
from nescord_core.bot.listener import WsListener

__all__ = ["AutoShardedBot", "AutoShardedClient", "Bot", "Client", "guild_count", "member_count"]


def guild_count(client: discord.Client) -> int:
    """Return how many guilds the bot is in, over all replicas, as ws counts them every few seconds."""
    return transport.totals(client)[0]


def member_count(client: discord.Client) -> int:
    """Return how many members these guilds have in total."""
    return transport.totals(client)[1]


if TYPE_CHECKING:
    _Base = discord.Client
else:
    _Base = object


class _OnNescord(_Base):
    """The methods that differ from discord.py's client."""

    @property
    def listener(self) -> WsListener:
        """The listener behind the client, for handlers of raw events and gateway commands."""
        return transport.listener_of(self)

    async def login(self, token: str = "") -> None:
        """Log in through rest, with the configured token if there is one."""
        await super().login(transport.before_login(self, token))

    async def connect(self, *, reconnect: bool = True) -> None:
        """Serve events until the process is stopped or the client is closed."""
        await transport.connect(self)

    async def close(self) -> None:
        """Finish the running handlers, then close the client."""
        transport.leave(self)
        await super().close()

    def run(self, token: str = "", **options: Any) -> None:
        """Run until the process is stopped or the client is closed."""
        super().run(token, **transport.run_options(options))


class Client(_OnNescord, discord.Client):
    """`discord.Client` whose events come from ws."""


class AutoShardedClient(_OnNescord, discord.AutoShardedClient):
    """`discord.AutoShardedClient` whose events come from ws; its shards are those of ws."""


class Bot(_OnNescord, commands.Bot):
    """`discord.ext.commands.Bot` whose events come from ws."""


class AutoShardedBot(_OnNescord, commands.AutoShardedBot):
    """`discord.ext.commands.AutoShardedBot` whose events come from ws."""
