"""The keys of `nescord dev`. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nescord_core.terminal.look import Look, paint

__all__ = ["KEYS", "filter_line", "key_lines", "services_by_key"]

KEYS: Mapping[str, str] = {
    "r": "reload the bot's code",
    "R": "restart all services",
    "o": "open the page",
    "e": "show the bot's events, or stop that",
    "l": "next log filter",
    "c": "clear the screen",
    "q": "quit",
    "h": "help",
}


def services_by_key(names: Sequence[str]) -> dict[str, str]:
    """Return the number keys that show one service's lines."""
    return {str(number): name for number, name in enumerate(names[:9], 1)}


def key_lines(names: Sequence[str], look: Look) -> list[str]:
    """Return the keys with what they do, one a line."""
    shown = dict(KEYS)
    shown |= {key: f"only {name}, with all of its lines" for key, name in services_by_key(names).items()}
    shown |= {"0": "all services"}
    return ["", *(f"  {paint(key, 'bold', look)}  {what}" for key, what in shown.items()), ""]


def filter_line(service: str, look: Look) -> str:
    """Return the line that stays below the output while only one service is shown."""
    text = f"  showing only {service}, 0 shows all"
    return paint(text[: look.width - 1] if look.width else text, "bold yellow", look)
