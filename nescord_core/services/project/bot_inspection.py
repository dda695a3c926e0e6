"""Inspects an existing discord.py bot by parsing its source; nothing is imported or run.

Facts that are not literal in the source (a computed intent, a command created in a loop) are not found.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from nescord_core.bot.libraries.source import DISCORD_PY, PYCORD, Library, library_of, refusal
from nescord_core.errors import ConfigError
from nescord_core.events import Intents

__all__ = ["BotFacts", "inspect_bot", "library_of_program", "refuse_other_library"]

FILES = 500
"""The most files to read."""

_MESSAGES = Intents.GUILD_MESSAGES | Intents.DIRECT_MESSAGES
_REACTIONS = Intents.GUILD_MESSAGE_REACTIONS | Intents.DIRECT_MESSAGE_REACTIONS
_TYPING = Intents.GUILD_MESSAGE_TYPING | Intents.DIRECT_MESSAGE_TYPING
_POLLS = Intents.GUILD_MESSAGE_POLLS | Intents.DIRECT_MESSAGE_POLLS
_NAMES = {
    "guilds": Intents.GUILDS,
    "members": Intents.GUILD_MEMBERS,
    "moderation": Intents.GUILD_MODERATION,
    "bans": Intents.GUILD_MODERATION,
    "emojis": Intents.GUILD_EXPRESSIONS,
    "emojis_and_stickers": Intents.GUILD_EXPRESSIONS,
    "expressions": Intents.GUILD_EXPRESSIONS,
    "integrations": Intents.GUILD_INTEGRATIONS,
    "webhooks": Intents.GUILD_WEBHOOKS,
    "invites": Intents.GUILD_INVITES,
    "voice_states": Intents.GUILD_VOICE_STATES,
    "presences": Intents.GUILD_PRESENCES,
    "messages": _MESSAGES,
    "guild_messages": Intents.GUILD_MESSAGES,
    "dm_messages": Intents.DIRECT_MESSAGES,
    "reactions": _REACTIONS,
    "guild_reactions": Intents.GUILD_MESSAGE_REACTIONS,
    "dm_reactions": Intents.DIRECT_MESSAGE_REACTIONS,
    "typing": _TYPING,
    "guild_typing": Intents.GUILD_MESSAGE_TYPING,
    "dm_typing": Intents.DIRECT_MESSAGE_TYPING,
    "message_content": Intents.MESSAGE_CONTENT,
    "guild_scheduled_events": Intents.GUILD_SCHEDULED_EVENTS,
    "auto_moderation": Intents.AUTO_MODERATION_CONFIGURATION | Intents.AUTO_MODERATION_EXECUTION,
    "auto_moderation_configuration": Intents.AUTO_MODERATION_CONFIGURATION,
    "auto_moderation_execution": Intents.AUTO_MODERATION_EXECUTION,
    "polls": _POLLS,
    "guild_polls": Intents.GUILD_MESSAGE_POLLS,
    "dm_polls": Intents.DIRECT_MESSAGE_POLLS,
}
"""discord.py's names for intents."""
_FACTORIES = {"all": Intents.all, "default": Intents.default, "none": Intents.none}
_PREFIX = {"command", "group", "hybrid_command", "hybrid_group"}
_COGS = {"Cog", "GroupCog"}
_LOADERS = {"load_extension", "load_extensions", "import_module"}
_CALLBACKS = {"on_error", "on_submit", "on_timeout", "on_help_command_error"}
"""Methods of views, modals and help commands, which are not events."""


@dataclass
class BotFacts:
    """What the source contains. ``intents`` is None if it names none."""

    files: list[Path] = field(default_factory=list)
    intents: Intents | None = None
    clients: list[str] = field(default_factory=list)
    cogs: list[str] = field(default_factory=list)
    extensions: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    app_commands: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    libraries: list[Library] = field(default_factory=list)
    """The library of each file that imports one."""

    @property
    def library(self) -> Library | None:
        """The library that the bot is written for: that of the first file, since others may use two."""
        first = next(iter(self.libraries), None)
        if first != DISCORD_PY:
            return first
        return next((each for each in self.libraries if each.name == PYCORD.name), first)

    @property
    def intent_names(self) -> list[str]:
        """The intents in the form of ``bot.intents``."""
        if self.intents is None:
            return ["default"]
        if self.intents == Intents.all():
            return ["all"]
        names, rest = [], self.intents
        if self.intents & Intents.default() == Intents.default():
            names, rest = ["default"], self.intents & ~Intents.default()
        return [*names, *(each.lower() for each in rest.names)] or ["none"]


def inspect_bot(program: Path, root: Path) -> BotFacts:
    """Inspect a program and the modules below ``root`` that it imports or loads as extensions.

    Raises:
        ConfigError: the program cannot be read, or is not Python.

    """
    found = BotFacts()
    for path, tree in _modules(program, root):
        found.files.append(path)
        _Reader(found).visit(tree)
        if (library := library_of(tree)) is not None:
            found.libraries.append(library)
    return found


def library_of_program(program: Path, root: Path) -> Library | None:
    """Return the library of the first module of a program that imports one; None if none is found."""
    with suppress(ConfigError):
        for _, tree in _modules(program, root):
            if (library := library_of(tree)) is not None:
                return library
    return None


def refuse_other_library(library: Library | None, program: Path | str) -> None:
    """Raise ConfigError if a program is written for a library that main does not host."""
    if library is not None and library != DISCORD_PY:
        message, hint = refusal(library, str(program))
        raise ConfigError(f"{message}.", hint=hint)


def _modules(program: Path, root: Path) -> Iterator[tuple[Path, ast.Module]]:
    """Yield a program and the modules that it reaches, nearest first."""
    waiting = deque([program.resolve()])
    seen, read = set(waiting), 0
    while waiting and read < FILES:
        path = waiting.popleft()
        try:
            tree = ast.parse(path.read_bytes(), str(path))
        except (OSError, SyntaxError, ValueError) as error:
            if path == program.resolve():
                raise ConfigError(f"it cannot be read: {error}.", where=str(program)) from None
            continue
        read += 1
        yield path, tree
        for other in _related(tree, path, root.resolve()):
            if other not in seen:
                seen.add(other)
                waiting.append(other)


class _Reader(ast.NodeVisitor):
    """Adds the contents of one file to the facts."""

    def __init__(self, found: BotFacts) -> None:
        self._found = found
        self._groups: dict[str, str] = {}

    def visit_Assign(self, node: ast.Assign) -> None:
        value = _truth(node.value)
        for target in node.targets:
            if isinstance(target, ast.Attribute) and target.attr in _NAMES and value is not None:
                self._switch(_NAMES[target.attr], on=value)
            elif isinstance(target, ast.Name) and (name := _app_group(node.value)) is not None:
                self._groups[target.id] = name
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = _called(node)
        owner = _called_on(node)
        if owner == "Intents" and name in _FACTORIES:
            self._start(_FACTORIES[name]())
        elif name == "Intents":
            self._start(Intents.none())
            for word in node.keywords:
                if word.arg in _NAMES and (value := _truth(word.value)) is not None:
                    self._switch(_NAMES[word.arg], on=value)
        elif name == "load_extension" and node.args and (text := _text(node.args[0])):
            self._found.extensions.append(text)
        elif name in {"Bot", "AutoShardedBot", "Client", "AutoShardedClient"}:
            self._found.clients.append(name)
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        bases = {_last(base) for base in node.bases}
        if bases & _COGS:
            self._found.cogs.append(node.name)
        elif kinds := bases & {"Bot", "AutoShardedBot", "Client", "AutoShardedClient"}:
            self._found.clients.extend(sorted(kinds))
        self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            self._decorated(node, decorator)
        if node.name.startswith("on_") and node.name not in _CALLBACKS:
            self._found.events.append(node.name)
        self.generic_visit(node)

    def _decorated(self, node: ast.AsyncFunctionDef, decorator: ast.expr) -> None:
        kind, owner = _last(decorator), _owner(decorator)
        name = _keyword(decorator, "name") or node.name
        if kind == "context_menu":
            self._found.app_commands.append(name)
        elif kind in _PREFIX and (owner in {"tree", "app_commands"} or owner in self._groups):
            group = f"{self._groups[owner]} " if self._groups.get(owner) else ""
            self._found.app_commands.append(f"/{group}{name}")
        elif kind in _PREFIX:
            self._found.commands.append(name)
            if kind.startswith("hybrid"):
                self._found.app_commands.append(f"/{name}")

    def _start(self, intents: Intents) -> None:
        self._found.intents = intents | (self._found.intents or Intents.none())

    def _switch(self, intent: Intents, *, on: bool) -> None:
        before = self._found.intents if self._found.intents is not None else Intents.none()
        self._found.intents = before | intent if on else before & ~intent


def _related(tree: ast.Module, path: Path, root: Path) -> Iterator[Path]:
    """Yield the files a module imports or loads as extensions, including directories that it names."""
    loads, found = False, list[Path]()
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = f"{'.' * node.level}{node.module or ''}"
            names = [base, *(f"{base}{'' if base.endswith('.') else '.'}{each.name}" for each in node.names)]
        elif isinstance(node, ast.Call) and _called(node) in _LOADERS:
            loads = True
        for name in names:
            found += _files_of(name, path, root)
    yield from found
    if loads:
        yield from _named(tree, path, root)
        for package in (each.parent for each in found if each.name == "__init__.py"):
            if package != path.parent:
                yield from sorted(package.rglob("*.py"))


def _files_of(module: str, path: Path, root: Path) -> Iterator[Path]:
    dots = len(module) - len(module.lstrip("."))
    parts = [part for part in module.split(".") if part]
    bases = [path.parents[dots - 1]] if dots else [path.parent, root]
    for base in bases:
        for candidate in (base.joinpath(*parts).with_suffix(".py"), base.joinpath(*parts, "__init__.py")):
            if parts and candidate.is_file() and candidate.resolve().is_relative_to(root):
                yield candidate.resolve()


def _named(tree: ast.Module, path: Path, root: Path) -> Iterator[Path]:
    """Yield the modules and directories that a file names in string literals.

    Extensions are often loaded from a list, or by listing ``cogs``: their names are then literals.
    """
    texts = {text for node in ast.walk(tree) if isinstance(node, ast.expr) and (text := _text(node))}
    for text in sorted(filter(_is_name, texts)):
        parts = [part for part in text.replace("/", ".").split(".") if part]
        yield from _files_of(".".join(parts), path, root)
        for base in (path.parent, root):
            directory = base.joinpath(*parts).resolve()
            if directory.is_relative_to(root) and directory != root and directory.is_dir():
                yield from sorted(each.resolve() for each in directory.rglob("*.py"))


def _is_name(text: str) -> bool:
    """Return whether a text may name a module or a directory."""
    parts = [part for part in text.replace("/", ".").strip("./ ").split(".") if part]
    return len(text) < 100 and bool(parts) and all(part.isidentifier() for part in parts)


def _last(node: ast.expr) -> str:
    """Return the last part of a dotted name, or of the one that is called."""
    node = node.func if isinstance(node, ast.Call) else node
    if isinstance(node, ast.Subscript):
        node = node.value
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _owner(node: ast.expr) -> str:
    node = node.func if isinstance(node, ast.Call) else node
    return _last(node.value) if isinstance(node, ast.Attribute) else ""


def _called(node: ast.Call) -> str:
    return _last(node.func)


def _called_on(node: ast.Call) -> str:
    return _owner(node.func)


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _truth(node: ast.expr) -> bool | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, bool) else None


def _keyword(node: ast.expr, name: str) -> str | None:
    if not isinstance(node, ast.Call):
        return None
    return next((_text(each.value) for each in node.keywords if each.arg == name), None)


def _app_group(node: ast.expr) -> str | None:
    """Return the name of an app command group, empty for a tree, None for anything else."""
    if not isinstance(node, ast.Call):
        return None
    if _last(node) == "CommandTree":
        return ""
    return _keyword(node, "name") if _last(node) == "Group" and _owner(node) == "app_commands" else None
