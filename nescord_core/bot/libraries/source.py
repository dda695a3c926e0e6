"""Tells by a program's source which Discord library it is written for; nothing is imported or run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["DISCORD_PY", "PYCORD", "Library", "library_of", "library_of_type", "refusal"]


@dataclass(frozen=True, slots=True)
class Library:
    """A library. ``base_url`` is how to point it at another API, as a format of ``{host}``."""

    name: str
    base_url: str = ""


DISCORD_PY = Library("discord.py")
PYCORD = Library("py-cord", 'discord.http.Route.API_BASE_URL = "{host}/api/v{{API_VERSION}}"')
_NEXTCORD = Library("nextcord", 'nextcord.http.Route.BASE = "{host}/api/v10"')
_DISNAKE = Library("disnake", 'disnake.http.Route.BASE = "{host}/api/v10"')
_INTERACTIONS = Library("interactions.py", 'interactions.api.http.route.Route.BASE = "{host}/api/v10"')
_HIKARI = Library("hikari", 'hikari.GatewayBot(token, rest_url="{host}/api/v10")')
_OTHERS = {
    "nextcord": _NEXTCORD,
    "disnake": _DISNAKE,
    "interactions": _INTERACTIONS,
    "naff": Library("NAFF"),
    "dis_snek": Library("dis-snek"),
    "hikari": _HIKARI,
    "lightbulb": _HIKARI,
    "tanjun": _HIKARI,
    "crescent": _HIKARI,
    "arc": _HIKARI,
    "miru": _HIKARI,
}
"""Libraries by the modules that a program imports."""
_FRAMEWORKS = {"arc", "crescent", "miru"}
"""Frameworks of hikari whose names other packages may have; they count beside hikari only."""
_PYCORD_NAMES = {
    "ApplicationContext",
    "AutocompleteContext",
    "AutoShardedBot",
    "Bot",
    "Option",
    "SlashCommandGroup",
    "commands",
    "message_command",
    "option",
    "slash_command",
    "user_command",
}
"""What py-cord's package ``discord`` has and discord.py's has not."""
_PYCORD_MODULES = ("discord.bot", "discord.commands", "discord.ext.bridge", "discord.ext.pages")


def library_of(tree: ast.Module) -> Library | None:
    """Return the library that a module imports, None if it imports none.

    A module that imports discord.py and another one, to run with either, counts as discord.py's.
    """
    modules = set(_imported(tree))
    roots = {module.partition(".")[0] for module in modules}
    if "discord" in roots:
        return PYCORD if _is_pycord(tree, modules) else DISCORD_PY
    found = roots & _OTHERS.keys()
    if "hikari" not in roots:
        found -= _FRAMEWORKS
    return _OTHERS[min(found)] if found else None


def library_of_type(kind: type) -> Library | None:
    """Return the library that a class or one of its bases comes from, if it is not discord.py."""
    roots = (base.__module__.partition(".")[0] for base in kind.__mro__)
    return next((_OTHERS[root] for root in roots if root in _OTHERS), None)


def refusal(library: Library, program: str) -> tuple[str, str]:
    """Return a message that main does not host this program, and what to do instead."""
    message = f"{program} is written for {library.name}, and main hosts discord.py bots"
    hint = "Run it as a process of its own, beside `nescord run sandbox` or `nescord run rest`"
    if library.base_url:
        hint += f", with {library.base_url.format(host='http://127.0.0.1:7400')} (rest: port 7401)"
    return message, f"{hint}."


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def _is_pycord(tree: ast.Module, modules: set[str]) -> bool:
    if any(f"{module}.".startswith(f"{name}.") for module in modules for name in _PYCORD_MODULES):
        return True
    if modules & {f"discord.{name}" for name in _PYCORD_NAMES}:
        return True
    names = set(_names_of_discord(tree))
    return any(
        node.attr in _PYCORD_NAMES and isinstance(node.value, ast.Name) and node.value.id in names
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
    )


def _names_of_discord(tree: ast.Module) -> Iterator[str]:
    """Yield the names under which a module has the package ``discord``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                if each.name.partition(".")[0] == "discord" and (each.asname is None or "." not in each.name):
                    yield each.asname or "discord"
