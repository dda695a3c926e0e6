"""Renders the start of `nescord dev`: the page first, then the bot, then the keys. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from nescord_core.terminal.look import Look, link, paint, symbol
from nescord_core.terminal.wrapping import columns, wrapped

__all__ = ["StartFacts", "address_lines", "ready_lines", "stopped_line"]

LABEL = 8


@dataclass(frozen=True, slots=True)
class StartFacts:
    """What is known before anything runs.

    ``page`` is the sandbox's address, empty without a sandbox. ``discord`` says which Discord is used, and
    ``warns`` whether that is the real one.
    """

    version: str
    project: str
    entry: str
    page: str = ""
    discord: str = ""
    warns: bool = False
    keys: bool = False


def address_lines(facts: StartFacts, look: Look) -> list[str]:
    """Return name and version, and where to talk to the bot."""
    title = f"{paint('nescord', 'bold green', look)} {paint(facts.version, 'green', look)}"
    lines = ["", f"  {title}  {paint(facts.project, 'dim', look)}", ""]
    if facts.discord:
        text = paint(facts.discord, "bold yellow" if facts.warns else "", look)
        lines += [_row("Discord", text, look)]
    if facts.page:
        address = paint(facts.page, "bold underline", look)
        lines += [_row("Page", link(address, facts.page, look), look)]
    return lines


def ready_lines(facts: StartFacts, bot: str, seconds: float, look: Look) -> list[str]:
    """Return the bot with what it handles, how long the start took, and the keys."""
    entry = facts.entry + (f"  {paint(bot, 'dim', look)}" if bot else "")
    keys = ", h shows the keys" if facts.keys else ""
    hint = f"Ready in {seconds:.1f} s. ^C stops everything{keys}."
    return [_row("Bot", entry, look), "", f"  {paint(hint, 'dim', look)}", ""]


def _row(label: str, text: str, look: Look) -> str:
    head = f"  {paint(symbol('➜', look), 'green', look)}  {paint(f'{label:<{LABEL}}', 'bold', look)}"
    first, *more = wrapped(text, look.width, indent=columns(head))
    return "\n".join([head + first, *more])


def stopped_line(seconds: float) -> str:
    """Return the line that ends a run."""
    return f"stopped in {seconds:.1f} s"
