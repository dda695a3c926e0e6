"""Reads and checks a seed file; errors name the file and the line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from nescord_core.errors import ConfigError
from nescord_core.payloads.flags import Permissions
from nescord_core.process.os_errors import reason_of
from nescord_core.sandbox.seeds.schema import (
    BOT,
    PEOPLE,
    Seed,
    SeedChannel,
    SeedGuild,
    SeedMember,
    SeedRole,
)
from nescord_core.sandbox.seeds.toml_lines import Step, line_of
from nescord_core.sandbox.world.people.owners import CHANNEL_KINDS

__all__ = ["color_of", "parse_seed", "permissions_of", "read_seed"]

Problem = tuple[tuple[Step, ...], str]
AT = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?$", re.DOTALL)
FIELD = re.compile(r"unknown field `(.+)`")
STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+|\.\.\.)\]")
SYNTAX = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
COLOR = re.compile(r"#[0-9A-Fa-f]{6}$")
HINT = "docs/sandbox/worlds.md describes the file. `nescord sandbox export` writes one."
MAX_CONTENT, MAX_NAME = 2000, 100


def read_seed(path: Path) -> Seed:
    """Read a seed file. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"it is not UTF-8: {error.reason}.", where=str(path), hint=HINT) from None
    except OSError as error:
        raise ConfigError(f"it cannot be read: {reason_of(error)}.", where=str(path), hint=HINT) from None
    return parse_seed(text, str(path))


def parse_seed(text: str, name: str) -> Seed:
    """Parse a seed; ``name`` is the file's in errors. Raises ConfigError."""
    try:
        seed = msgspec.convert(tomllib.loads(text), type=Seed)
    except tomllib.TOMLDecodeError as error:
        found = SYNTAX.search(str(error))
        line = int(found[1]) if found and found[1] else len(text.splitlines())
        raise ConfigError(
            f"{SYNTAX.sub('', str(error))}.", where=f"{name}:{max(line, 1)}", hint=HINT
        ) from None
    except msgspec.ValidationError as error:
        path, what = _where(str(error))
        raise ConfigError(f"{what}.", where=f"{name}:{line_of(text, path)}", hint=HINT) from None
    for path, what in _problems(seed):
        raise ConfigError(f"{what}.", where=f"{name}:{line_of(text, path)}", hint=HINT)
    return seed


def permissions_of(role: SeedRole) -> int:
    """Return the bit mask. Raises ValueError."""
    given = role.permissions
    if isinstance(given, list):
        names = {each.name.lower(): each.value for each in Permissions if each.name}
        if unknown := [each for each in given if each.lower() not in names]:
            raise ValueError(f"there is no permission {unknown[0]!r}")
        return sum({names[each.lower()] for each in given})
    if isinstance(given, str) and not given.isdecimal():
        raise ValueError(f"permissions are a list of names or a number, not {given!r}")
    return int(given)


def color_of(role: SeedRole) -> int:
    """Return the color as a number. Raises ValueError."""
    if isinstance(role.color, int):
        return role.color
    if not COLOR.match(role.color):
        raise ValueError(f"a color is a number or like #3498DB, not {role.color!r}")
    return int(role.color[1:], 16)


def _where(error: str) -> Problem:
    """Return path and message of an error of msgspec."""
    found = AT.match(error)
    assert found is not None
    what = str(found["what"]).replace("`", "")
    path = tuple(
        name or (int(number) if number.isdecimal() else 0)
        for name, number in STEP.findall(found["path"] or "")
    )
    if field := FIELD.search(str(found["what"])):
        path = (*path, field[1])
    return path, what


def _problems(seed: Seed) -> Iterator[Problem]:
    """Yield what does not fit together, in the order of the file."""
    yield from _repeated(("users",), [each.name for each in seed.users], "user")
    yield from _repeated(("guilds",), [each.name for each in seed.guilds], "guild")
    people = {*PEOPLE, *(each.name for each in seed.users)}
    for number, user in enumerate(seed.users):
        yield from _length(("users", number, "name"), user.name, 32)
    for number, guild in enumerate(seed.guilds):
        yield from _guild_problems(("guilds", number), guild, people)


def _guild_problems(path: tuple[Step, ...], guild: SeedGuild, people: set[str]) -> Iterator[Problem]:
    yield from _length((*path, "name"), guild.name, MAX_NAME)
    yield from _unknown((*path, "owner"), [guild.owner], people, "user")
    roles = {each.name for each in guild.roles}
    for each in guild.members:
        member = each if isinstance(each, SeedMember) else SeedMember(each)
        yield from _unknown((*path, "members"), [member.user], people, "user")
        yield from _unknown((*path, "members"), member.roles, roles, "role")
    for number, role in enumerate(guild.roles):
        for field, check in (("permissions", permissions_of), ("color", color_of)):
            try:
                check(role)
            except ValueError as error:
                yield (*path, "roles", number, field), f"{error}"
    yield from _repeated((*path, "roles"), [each.name for each in guild.roles], "role")
    yield from _repeated((*path, "channels"), [each.name for each in guild.channels], "channel")
    categories: set[str] = set()
    for number, channel in enumerate(guild.channels):
        yield from _channel_problems((*path, "channels", number), channel, people | {BOT}, categories)
        categories |= {channel.name} if channel.kind == "category" else set()


def _channel_problems(
    path: tuple[Step, ...], channel: SeedChannel, authors: set[str], categories: set[str]
) -> Iterator[Problem]:
    yield from _length((*path, "name"), channel.name, MAX_NAME)
    yield from _unknown((*path, "kind"), [channel.kind], CHANNEL_KINDS, "kind of channel")
    if channel.parent is not None:
        yield from _unknown((*path, "parent"), [channel.parent], categories, "category before this channel")
    if not 0 <= channel.slowmode <= 21_600:
        yield (*path, "slowmode"), f"slowmode is 0 to 21600 seconds, not {channel.slowmode}"
    if channel.messages and channel.kind in ("category", "forum"):
        yield (*path, "messages"), f"a {channel.kind} has no messages"
    for number, message in enumerate(channel.messages):
        here = (*path, "messages", number)
        yield from _unknown((*here, "author"), [message.author], authors, "user")
        yield from _length((*here, "content"), message.content, MAX_CONTENT)
        for users in message.reactions.values():
            yield from _unknown((*here, "reactions"), users, authors, "user")


def _unknown(
    path: tuple[Step, ...], names: Sequence[str], known: Iterable[str], kind: str
) -> Iterator[Problem]:
    for each in names:
        if each not in known:
            yield path, f"there is no {kind} {each!r}; known: {', '.join(sorted(known)) or 'none'}"


def _repeated(path: tuple[Step, ...], names: Sequence[str], kind: str) -> Iterator[Problem]:
    for number, each in enumerate(names):
        if each in names[:number]:
            yield (*path, number, "name"), f"there are two {kind}s called {each!r}"


def _length(path: tuple[Step, ...], text: str, highest: int) -> Iterator[Problem]:
    if not 1 <= len(text) <= highest:
        yield path, f"{path[-1]} has 1 to {highest} characters, not {len(text)}"
