import pathlib
import pkgutil

import discord
from discord.ext import commands

from . import extensions
from .store import Store


class Context(commands.Context):
    async def say(self, text: str) -> discord.Message:
        return await self.send(f"[{self.bot.owner_name}] {text}")


class LevelBot(commands.Bot):
    def __init__(self, owner: str) -> None:
        super().__init__(
            command_prefix=self.prefixes,
            intents=discord.Intents(guilds=True, members=True, messages=True, message_content=True),
            help_command=commands.MinimalHelpCommand(no_category="Others"),
        )
        self.owner_name = owner
        self.store = Store(pathlib.Path("levels.json"))

    async def prefixes(self, bot: commands.Bot, message: discord.Message) -> list[str]:
        return commands.when_mentioned_or(self.store.prefix(message.guild.id))(bot, message)

    async def setup_hook(self) -> None:
        for module in pkgutil.iter_modules(extensions.__path__, f"{extensions.__name__}."):
            await self.load_extension(module.name)

    async def get_context(self, origin, /, *, cls=Context):
        return await super().get_context(origin, cls=cls)

    async def on_ready(self) -> None:
        print(f"{self.user} with {len(self.extensions)} extensions")

    async def close(self) -> None:
        self.store.save()
        await super().close()
