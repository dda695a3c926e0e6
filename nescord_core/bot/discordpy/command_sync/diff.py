"""Finds changes in a tree of application commands. Pure.

Commands are named as users see them: ``/roll`` for a slash command, ``Shout`` for a context menu.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Diff", "diff", "hashes", "key_of"]

_SLASH = 1

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Diff:
    """Commands that are new, changed and gone; as text: ``+/a ~/b -/c``."""

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.gone)

    def __str__(self) -> str:
        marked = (("+", self.new), ("~", self.changed), ("-", self.gone))
        return " ".join(f"{mark}{name}" for mark, names in marked for name in names)


def key_of(command: Payload) -> str:
    """Return the name of a command; type and name together are unique in Discord."""
    slash = command.get("type", _SLASH) == _SLASH
    return f"/{command['name']}" if slash else str(command["name"])


def hashes(commands: Iterable[Payload]) -> dict[str, str]:
    """Return a hash of each command's content, by name."""
    return {
        key_of(each): hashlib.sha256(json.dumps(each, sort_keys=True, default=str).encode()).hexdigest()
        for each in commands
    }


def diff(wanted: Mapping[str, str], synced: Mapping[str, str], present: Iterable[str]) -> Diff:
    """Compare the bot's hashes and those of the last sync with the names that Discord has.

    A command in Discord that was never synced from here counts as changed, since its content is unknown.
    """
    there = set(present)
    return Diff(
        new=tuple(sorted(wanted.keys() - there)),
        changed=tuple(sorted(name for name in wanted.keys() & there if synced.get(name) != wanted[name])),
        gone=tuple(sorted(there - wanted.keys())),
    )
