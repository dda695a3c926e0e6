"""The times that leases are made of, in seconds."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Terms"]


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a lease lasts, and what follows from it.

    The store counts ``ttl`` from when it received a renewal. A holder counts from when it sent it, and lets
    go ``margin`` earlier, so that neither clocks nor their rates need agree. A host whose connection to the
    store had a gap claims nothing for `quarantine` seconds: the store may have lost what others hold.
    """

    ttl: float = 6.0
    renew_every: float = 1.5
    margin: float = 1.0
    retry_after: float = 0.5
    free_for: float = 2.0
    """After this long without a holder, any host may claim, not only the one whose turn it is."""
    move_every: float = 5.0
    plan_every: float = 1.0
    ask_every: float = 1.0
    longest_pause: float = 1.0
    """A host that has not run for this long counts it as a gap: it may know nothing of what happened."""
    member_memory: float = 600.0
    """How long a member that vanished without leaving is asked before the others rely on each other."""

    @property
    def quarantine(self) -> float:
        """Seconds of connection without a gap before anything is claimed."""
        return self.ttl + 1.0

    def tenure(self, sent_at: float) -> float:
        """Return until when a renewal that was sent then, and confirmed, gives a right."""
        return sent_at + self.ttl - self.margin

    def testimony(self, asked_at: float) -> float:
        """Return until when a member cannot claim that was asked then and had a gap.

        It has its quarantine before it, whose beginning lies after the question.
        """
        return asked_at + self.quarantine - self.margin
