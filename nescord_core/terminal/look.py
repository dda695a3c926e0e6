"""Colours and hyperlinks of a terminal, as far as it shows them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import quote

__all__ = ["PLAIN", "Look", "link", "link_places", "paint", "symbol"]

CODES = {
    "bold": "1",
    "dim": "2",
    "underline": "4",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
    "bright_cyan": "96",
    "bright_magenta": "95",
    "bright_green": "92",
}
ASCII = {"✓": "ok", "✗": "x", "➜": "->", "·": "-"}
"""Replacements where the encoding has no such character."""
PLACE = re.compile(
    r'(?P<quoted>File "(?P<file>[^"\n]+)", line (?P<number>\d+))|(?P<path>[\w./~-]+\.py):(?P<line>\d+)'
)


@dataclass(frozen=True, slots=True)
class Look:
    """What a terminal shows: ``width`` in columns (0: do not wrap), colours, hyperlinks, Unicode.

    ``host`` names this machine in links to files; ``editor`` is the scheme of links that open an editor.
    """

    width: int = 0
    colour: bool = False
    links: bool = False
    unicode: bool = True
    host: str = ""
    editor: str = ""


PLAIN = Look()
"""A pipe or a file."""


def paint(text: str, styles: str, look: Look) -> str:
    """Return the text in these styles, such as ``bold red``; unchanged without colours."""
    if not look.colour or not styles or not text:
        return text
    return f"\x1b[{';'.join(CODES[style] for style in styles.split())}m{text}\x1b[0m"


def symbol(character: str, look: Look) -> str:
    """Return the character, or its replacement in ASCII."""
    return character if look.unicode else ASCII[character]


def link(text: str, url: str, look: Look) -> str:
    """Return the text as a hyperlink (OSC 8) where the terminal shows them.

    https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda
    """
    return f"\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\" if look.links else text


def link_places(text: str, project: PurePath, look: Look) -> str:
    """Make links of places in source files: ``app.py:7`` and ``File "app.py", line 7``."""
    if not look.links:
        return text

    def linked(found: re.Match[str]) -> str:
        file, line = (found["file"], found["number"]) if found["quoted"] else (found["path"], found["line"])
        return link(found[0], _address(project / file, line, look), look)

    return PLACE.sub(linked, text)


def _address(path: PurePath, line: str, look: Look) -> str:
    if look.editor:
        return f"{look.editor}://file{quote(str(path))}:{line}"
    return f"file://{look.host}{quote(str(path))}#{line}"
