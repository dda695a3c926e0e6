"""`listener.state`: what a bot's process hands to the one that takes its place at a reload."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any

__all__ = ["LARGEST", "State"]

LARGEST = 1024 * 1024
"""Bytes that are handed over at most, all keys together."""


class State(dict[str, Any]):
    """A dict whose content outlives a reload.

    Values are pickled: plain values, containers of them, and objects of module-level classes. It is filled
    before the start hooks run. What the old process's last handlers changed afterwards follows when it has
    drained, except for keys that the new process has changed itself. A crash or a restart starts empty.
    """

    def __init__(self, content: Mapping[str, Any] | None = None) -> None:
        super().__init__(content or {})
        self._given: dict[str, bytes] = {}

    def packed(self) -> tuple[dict[str, bytes], list[str]]:
        """Return the content, each value pickled, and a sentence for each key that must stay behind."""
        packed: dict[str, bytes] = {}
        problems: list[str] = []
        room = LARGEST
        for key, value in self.items():
            data = _pickled(value)
            if not isinstance(key, str):
                problems.append(_stays(key, f"its key is of type {type(key).__name__}, not str"))
            elif isinstance(data, str):
                problems.append(_stays(key, f"a {_named(value)} cannot be pickled ({data})"))
            elif len(key) + len(data) > room:
                problems.append(_stays(key, f"with its {len(data)} bytes it is more than {LARGEST} in all"))
            else:
                room -= len(key) + len(data)
                packed[key] = data
        return packed, problems

    def take(self, packed: Mapping[str, bytes]) -> list[str]:
        """Start with what the old process has; returns a sentence for each key that this code cannot read."""
        self._given = dict(packed)
        return self._read(packed)

    def follow(self, packed: Mapping[str, bytes]) -> list[str]:
        """Take over what the old process has changed since `take`, where nothing has changed here."""
        given, self._given = self._given, {}
        moved = {key: data for key, data in packed.items() if given.get(key) != data}
        for key in given.keys() - packed.keys():
            if self._untouched(key, given):
                del self[key]
        return self._read({key: data for key, data in moved.items() if self._untouched(key, given)})

    def _untouched(self, key: str, given: Mapping[str, bytes]) -> bool:
        if key not in self:
            return key not in given
        return key in given and _pickled(self[key]) == given[key]

    def _read(self, packed: Mapping[str, bytes]) -> list[str]:
        problems = []
        for key, data in packed.items():
            try:
                self[key] = pickle.loads(data)  # noqa: S301 - from the process before, over a private socket
            except Exception as error:  # the new code may have moved or changed the class
                problems.append(f"state[{key!r}] is lost: the new code cannot read it ({_said(error)}).")
        return problems


def _pickled(value: Any) -> bytes | str:
    """The bytes, or why there are none; any object may say anything in its own way of pickling."""
    try:
        return pickle.dumps(value)
    except Exception as error:
        return _said(error)


def _stays(key: Any, why: str) -> str:
    return f"state[{key!r}] is not handed on: {why}."


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _named(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
