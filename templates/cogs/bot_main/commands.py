"""Commands by decorator: a function, its name, and what it is for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot_main.rest import rest


@dataclass(frozen=True)
class Context:
    """A command that somebody has used: the message, and the words after the command's name."""

    message: object
    words: tuple[str, ...]

    async def reply(self, text: str) -> None:
        await rest.reply(self.message, content=text)


@dataclass(frozen=True)
class Command:
    name: str
    about: str
    function: Callable[[Context], Awaitable[None]]


class Commands:
    """All commands of the bot, by name."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.by_name: dict[str, Command] = {}

    def command(self, name: str, about: str):
        """Register a function: ``@commands.command("roll", "rolls a die")``."""

        def register(function):
            if name in self.by_name:
                raise ValueError(f"there are two commands called {name}")
            self.by_name[name] = Command(name, about, function)
            return function

        return register

    def parse(self, text: str) -> tuple[Command, tuple[str, ...]] | None:
        """Return the command that a message uses, with the words after it."""
        if not text.startswith(self.prefix):
            return None
        name, *words = text.removeprefix(self.prefix).split() or [""]
        command = self.by_name.get(name.lower())
        return None if command is None else (command, tuple(words))

    async def handle(self, message) -> None:
        """Handle a message: bots are not answered."""
        found = None if message.author.bot else self.parse(message.content or "")
        if found is not None:
            command, words = found
            await command.function(Context(message, words))
