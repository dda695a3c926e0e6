"""Keeps the latest frames of the feed, so that a page that is loaded again shows what it showed before."""

from __future__ import annotations

from collections import deque

__all__ = ["FrameHistory"]

MAX_FRAMES = 1500
MAX_BYTES = 4 << 20


class FrameHistory:
    """The newest frames, bounded in number and size; a frame above the size is not kept."""

    def __init__(self, *, max_frames: int = MAX_FRAMES, max_bytes: int = MAX_BYTES) -> None:
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._frames: deque[bytes] = deque()
        self._bytes = 0

    def add(self, frame: bytes) -> None:
        """Keep a frame; the oldest ones make room for it."""
        self._frames.append(frame)
        self._bytes += len(frame)
        while len(self._frames) > self._max_frames or self._bytes > self._max_bytes:
            self._bytes -= len(self._frames.popleft())

    def clear(self) -> None:
        """Forget all frames."""
        self._frames.clear()
        self._bytes = 0

    def as_json(self) -> bytes:
        """Return the frames as a JSON array, oldest first."""
        return b"[" + b",".join(self._frames) + b"]"
