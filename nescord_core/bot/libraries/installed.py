"""Checks the package ``discord`` of this environment: several libraries own that name."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files, version

from nescord_core.errors import ConfigError

__all__ = ["OLDEST", "newer_than_tested", "problem", "require_discordpy"]

OLDEST = (2, 7, 1)
"""The oldest discord.py that the sandbox's model and main's transport work with."""
TESTED = (2, 7)
OWNERS = ("py-cord", "py-cord-dev", "discord.py-self", "novus", "nextcord", "disnake")
"""Other distributions that have or had files in the package ``discord``: their own, or an alias of it."""
ELSEWHERE = (
    "Install nescord in an environment of its own, such as with `uv tool install nescord`, and leave the bot"
    " in its environment."
)


def problem() -> tuple[str, str] | None:
    """Return what keeps the sandbox and discord.py bots from running here, and the fix; None for nothing."""
    for name in OWNERS:
        if (other := _version(name)) is not None and _owns_discord(name):
            return (
                f"{name} {other} is installed here: its package `discord` and that of discord.py replace each"
                " other's files",
                ELSEWHERE,
            )
    found, oldest = _version("discord.py"), ".".join(map(str, OLDEST))
    if found is None:
        return f"discord.py is not installed; {oldest} or later is needed", "pip install -U discord.py"
    if _numbers(found) < OLDEST:
        return f"discord.py {found} is too old; {oldest} or later is needed", ELSEWHERE
    return None


def newer_than_tested() -> str | None:
    """Return the version of discord.py if it is newer than those that nescord is tested with."""
    found = _version("discord.py")
    return found if found is not None and _numbers(found)[:2] > TESTED else None


def require_discordpy(user: str) -> None:
    """Raise ConfigError unless discord.py works for ``user``, the beginning of the sentence.

    rest, ws and listeners of nescord's own do not need it.
    """
    if (found := problem()) is not None:
        message, fix = found
        raise ConfigError(
            f"{message}.", where=user, hint=f"{fix} rest, ws and a WsListener run without discord.py."
        )


def _owns_discord(name: str) -> bool:
    """Whether a distribution has files in the package ``discord``; true if it does not list its files."""
    listed = files(name)
    return listed is None or any(file.parts[:1] == ("discord",) for file in listed)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _numbers(text: str) -> tuple[int, ...]:
    """Return the leading numbers of a version."""
    numbers: list[int] = []
    for part in text.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)
