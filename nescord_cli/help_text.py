"""Colours in help texts. Pure, but for the question whether stdout is a terminal."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["colour_help", "painted_help"]

HEADING = re.compile(r"^(?P<heading>[A-Z][A-Za-z ]*:)(?P<rest> .*)?$")
ENTRY = re.compile(r"^  (?P<name>-{1,2}\S[^\n]*?|[a-z]\S*)(?P<about> {2,}\S.*)?$")
"""An option or a command with what it is for; a long name has a line of its own."""
EXAMPLES = ("Example:", "Examples:", "Start with:")


def painted_help(text: str, bold: str, name: str, end: str) -> str:
    """Return a help text with headings and names between escape sequences."""
    lines, in_entries = [], False
    for line in text.split("\n"):
        if (found := HEADING.match(line.strip() if line.strip() in EXAMPLES else line)) is not None:
            indent = line[: len(line) - len(line.lstrip())]
            in_entries = found["rest"] is None and found["heading"] not in EXAMPLES
            lines.append(f"{indent}{bold}{found['heading']}{end}{found['rest'] or ''}")
        elif in_entries and (entry := ENTRY.match(line)) is not None:
            lines.append(f"  {name}{entry['name']}{end}{entry['about'] or ''}")
        else:
            lines.append(line)
    return "\n".join(lines)


def colour_help(command: Any) -> None:
    """Have a command and its subcommands print their help in colour, in a terminal that takes it."""
    plain = command.get_help

    def get_help(ctx: Any) -> str:
        from nescord_cli.terminal import takes_colour

        text: str = plain(ctx)
        return painted_help(text, "\x1b[1;32m", "\x1b[1;36m", "\x1b[0m") if takes_colour() else text

    command.get_help = get_help
    for each in getattr(command, "commands", {}).values():
        colour_help(each)
