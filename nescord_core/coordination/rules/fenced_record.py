"""A record that the holder of a lease keeps, and that a former holder can no longer change."""

from __future__ import annotations

from enum import Enum, auto

from nescord_core.coordination.rules.lease import Answered, Conflicted, Fact, Found, Look, Lost, Write

__all__ = ["FencedRecord", "RecordState"]


class RecordState(Enum):
    """CLOSED: a later holder has written the record. UNKNOWN: its revision has to be read first."""

    UNKNOWN = auto()
    LOOKING = auto()
    READY = auto()
    WRITING = auto()
    CLOSED = auto()


class FencedRecord:
    """Every write names the revision that it is based on; the record says under which fence it was written.

    After the first write of a new holder, every one of the former is refused: it names an older revision.
    """

    def __init__(self, fence: int) -> None:
        self.fence = fence
        self.state = RecordState.UNKNOWN
        self._revision = 0
        self._request = 0

    def write(self) -> Write | Look | None:
        """Return what to ask of the store to write the record now; None while a request is under way."""
        self._request += 1
        match self.state:
            case RecordState.UNKNOWN:
                self.state = RecordState.LOOKING
                return Look(self._request)
            case RecordState.READY:
                self.state = RecordState.WRITING
                return Write(self._request, self._revision)
        self._request -= 1
        return None

    def handle(self, fact: Fact, fence_found: int = 0) -> Write | Look | None:
        """Apply the store's answer; ``fence_found`` is the one in the record that was found."""
        if fact.request != self._request or self.state not in (RecordState.LOOKING, RecordState.WRITING):
            return None
        match fact:
            case Found(_, revision):
                if fence_found > self.fence:
                    self.state = RecordState.CLOSED
                    return None
                self._revision, self.state = revision or 0, RecordState.READY
                return self.write()
            case Answered(_, revision):
                self._revision, self.state = revision, RecordState.READY
            case Conflicted():
                self.state = RecordState.UNKNOWN
                return self.write()
            case Lost():
                self.state = RecordState.UNKNOWN
        return None
