"""Splits a process's output into lines of text."""

from __future__ import annotations

__all__ = ["LineSplitter"]

LONGEST = 1 << 16


class LineSplitter:
    """Splits a byte stream into lines; a line longer than ``longest`` bytes is returned in pieces.

    Bytes that are not UTF-8 become U+FFFD. Neither the end of a chunk nor the end of a piece splits a
    character.
    """

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._partial = b""

    def feed(self, chunk: bytes) -> list[str]:
        """Return the lines that this chunk completes."""
        *whole, self._partial = (self._partial + chunk).split(b"\n")
        lines = [piece for line in whole for piece in self._pieces(line)]
        while len(self._partial) > self._longest:
            cut = _boundary(self._partial, self._longest)
            lines.append(_text(self._partial[:cut]))
            self._partial = self._partial[cut:]
        return lines

    def flush(self) -> list[str]:
        """Return the text after the last newline."""
        rest, self._partial = self._partial, b""
        return self._pieces(rest) if rest else []

    def _pieces(self, line: bytes) -> list[str]:
        pieces = []
        while len(line) > self._longest:
            cut = _boundary(line, self._longest)
            pieces.append(_text(line[:cut]))
            line = line[cut:]
        return [*pieces, _text(line)]


def _boundary(line: bytes, at: int) -> int:
    """Return the nearest offset, ``at`` or before, that is not inside a UTF-8 character."""
    for back in range(min(4, at)):
        if line[at - back] & 0b1100_0000 != 0b1000_0000:
            return at - back
    return at


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "replace")
