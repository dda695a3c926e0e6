"""Finds out what a terminal shows, from the file and the environment."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import TextIO

from nescord_core.terminal.look import PLAIN, Look

__all__ = ["is_terminal", "look_of"]

LINKING = ("iTerm.app", "WezTerm", "vscode", "ghostty", "zed", "rio", "Hyper")
"""Values of TERM_PROGRAM of terminals that show hyperlinks."""
LINKING_TERMS = ("xterm-kitty", "alacritty", "foot", "xterm-ghostty", "contour")
FIRST_VTE = 5000
"""GNOME Terminal and its like, from 0.50 on."""
FIRST_TMUX = (3, 4)


def look_of(file: TextIO, environ: Mapping[str, str] = os.environ) -> Look:
    """Return what is shown of a file's text; `PLAIN` where it is no terminal.

    NO_COLOR (https://no-color.org) and FORCE_COLOR are honoured, and FORCE_HYPERLINK as in other tools.
    """
    unicode = (getattr(file, "encoding", None) or "utf-8").lower().replace("-", "") in ("utf8", "utf16")
    forced = bool(environ.get("FORCE_COLOR"))
    if not is_terminal(file) and not forced:
        return PLAIN if unicode else Look(unicode=False)
    dumb = environ.get("TERM", "") in ("", "dumb", "unknown") and not forced
    return Look(
        width=_width(file),
        colour=not environ.get("NO_COLOR") and not dumb,
        links=not dumb and _shows_links(environ),
        unicode=unicode,
        host=socket.gethostname(),
        editor="vscode" if environ.get("TERM_PROGRAM") == "vscode" else "",
    )


def is_terminal(file: TextIO) -> bool:
    """Return whether a file is a terminal."""
    try:
        return file.isatty()
    except ValueError:
        return False  # closed


def _width(file: TextIO) -> int:
    try:
        return os.get_terminal_size(file.fileno()).columns
    except (OSError, ValueError):
        return 0


def _shows_links(environ: Mapping[str, str]) -> bool:
    """Return whether the terminal shows OSC 8; one that does not know it may print it."""
    if (forced := environ.get("FORCE_HYPERLINK")) is not None:
        return forced not in ("", "0")
    if environ.get("TERM_PROGRAM") == "tmux":
        return _version(environ.get("TERM_PROGRAM_VERSION", "")) >= FIRST_TMUX
    if environ.get("VTE_VERSION", "").isdigit():
        return int(environ["VTE_VERSION"]) >= FIRST_VTE
    return (
        environ.get("TERM_PROGRAM") in LINKING
        or environ.get("TERM", "") in LINKING_TERMS
        or bool(environ.get("WT_SESSION") or environ.get("KONSOLE_VERSION"))
    )


def _version(text: str) -> tuple[int, ...]:
    parts = (part.rstrip("abcdefghijklmnopqrstuvwxyz") for part in text.split("."))
    return tuple(int(part) for part in parts if part.isdigit())
