"""Subcommands that are imported only when called: `nescord --help` needs no more than their names."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar, NamedTuple

import typer
from typer.core import TyperGroup

from nescord_cli.help_text import colour_help

__all__ = ["Subcommand", "group_of", "lazy_command"]


class Subcommand(NamedTuple):
    """Locates a subcommand, a function or a `typer.Typer` of a module, and holds its line in the list.

    ``section`` is its heading in the list. ``examples`` names the attribute with the text below a function's
    help.
    """

    module: str
    attribute: str
    short_help: str
    section: str = ""
    examples: str = "EXAMPLES"

    def load(self, name: str) -> Any:
        """Import the subcommand and return it as a click command."""
        module = import_module(self.module)
        found = getattr(module, self.attribute)
        if isinstance(found, typer.Typer):
            command: Any = typer.main.get_command(found)
        else:
            alone = typer.Typer(add_completion=False, rich_markup_mode=None)
            alone.command(name, epilog=getattr(module, self.examples))(found)
            command = typer.main.get_command(alone)
        command.name, command.short_help = name, self.short_help
        colour_help(command)
        return command


class _Lazy(TyperGroup):
    table: ClassVar[Mapping[str, Subcommand]]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        colour_help(self)

    # The types are typer's own copy of click, which it does not export.
    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Load the subcommand that is about to run or to be completed."""
        if args and args[0] in self.table:
            self.commands[args[0]] = self.table[args[0]].load(args[0])
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands below the headings of their sections."""
        width = max(map(len, self.table))
        for section in dict.fromkeys(each.section for each in self.table.values()):
            chosen = {name: each for name, each in self.table.items() if each.section == section}
            with formatter.section(section or "Other"):
                formatter.write_dl([(f"{name:<{width}}", each.short_help) for name, each in chosen.items()])


def group_of(table: Mapping[str, Subcommand]) -> type[TyperGroup]:
    """Return a group class for these subcommands; register each as a `lazy_command` as well."""
    return type("Group", (_Lazy,), {"table": table})


def lazy_command() -> None:
    """Placeholder for the list of commands; the real command replaces it before anything runs."""
