"""`listener.state`: data that a process passes to its successor at a reload."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any

__all__ = ["LARGEST", "State"]

LARGEST = 1024 * 1024
"""Maximum number of bytes passed on, over all keys."""


class State(dict[str, Any]):
    """A dict whose content survives a reload.

    Values are pickled: plain values, containers of them, and objects of module-level classes. It is filled
    before the start hooks run. Changes that the old process's last handlers make afterwards follow once it
    has drained, except for keys that the new process has changed itself. A crash or a restart starts empty.
    """

    def __init__(self, content: Mapping[str, Any] | None = None) -> None:
        super().__init__(content or {})
        self._given: dict[str, bytes] = {}

    def packed(self) -> tuple[dict[str, bytes], list[str]]:
        """Return the content, each value pickled, and a sentence for each key that cannot be passed on."""
        packed: dict[str, bytes] = {}
        problems: list[str] = []
        room = LARGEST
        for key, value in self.items():
            data = _pickled(value)
            if not isinstance(key, str):
                problems.append(_problem(key, f"its key is of type {type(key).__name__}, not str"))
            elif isinstance(data, str):
                problems.append(_problem(key, f"a {_type_name(value)} cannot be pickled ({data})"))
            elif len(key) + len(data) > room:
                problems.append(_problem(key, f"its {len(data)} bytes exceed the total of {LARGEST}"))
            else:
                room -= len(key) + len(data)
                packed[key] = data
        return packed, problems

    def take(self, packed: Mapping[str, bytes]) -> list[str]:
        """Fill it from the old process; return a sentence for each key that this code cannot read."""
        self._given = dict(packed)
        return self._read(packed)

    def follow(self, packed: Mapping[str, bytes]) -> list[str]:
        """Apply what the old process has changed since `take`, for keys that are unchanged here."""
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
                problems.append(f"state[{key!r}] is lost: the new code cannot read it ({_describe(error)}).")
        return problems


def _pickled(value: Any) -> bytes | str:
    """Return the bytes, or the error; pickling may raise anything."""
    try:
        return pickle.dumps(value)
    except Exception as error:
        return _describe(error)


def _problem(key: Any, why: str) -> str:
    return f"state[{key!r}] is not passed on: {why}."


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _type_name(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
