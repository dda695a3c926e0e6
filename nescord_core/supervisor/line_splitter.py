"""Bytes into lines of text, whatever a process writes."""

from __future__ import annotations

__all__ = ["LineSplitter"]

LONGEST = 1 << 16


class LineSplitter:
    """Cuts a stream into lines; a line longer than ``longest`` bytes comes in pieces.

    Bytes that are not UTF-8 are shown as U+FFFD. A character is never cut in two by the borders of a chunk; a
    piece of an overlong line ends at the border of a character.
    """

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._rest = b""

    def feed(self, chunk: bytes) -> list[str]:
        """Return the lines that are complete now."""
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        lines = [piece for line in whole for piece in self._pieces(line)]
        while len(self._rest) > self._longest:
            cut = _border(self._rest, self._longest)
            lines.append(_text(self._rest[:cut]))
            self._rest = self._rest[cut:]
        return lines

    def flush(self) -> list[str]:
        """Return what came after the last line's end."""
        rest, self._rest = self._rest, b""
        return self._pieces(rest) if rest else []

    def _pieces(self, line: bytes) -> list[str]:
        pieces = []
        while len(line) > self._longest:
            cut = _border(line, self._longest)
            pieces.append(_text(line[:cut]))
            line = line[cut:]
        return [*pieces, _text(line)]


def _border(line: bytes, at: int) -> int:
    """Return the nearest place up to ``at`` that is not inside a UTF-8 character."""
    for back in range(min(4, at)):
        if line[at - back] & 0b1100_0000 != 0b1000_0000:
            return at - back
    return at


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "replace")
