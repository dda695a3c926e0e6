"""Whether the store answers this host, and the quarantine after a gap."""

from __future__ import annotations

from nescord_core.coordination.rules.terms import Terms

__all__ = ["Connection"]


class Connection:
    """Since when the store has answered without a gap.

    A gap is a lost connection, a request without an answer, or a time in which this process did not run. What
    the store holds may have been lost in it; after it, those who hold something write it back first.
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._since: float | None = None
        self._ran_at: float | None = None

    @property
    def answers(self) -> bool:
        """What this host tells others: whether the store answers it."""
        return self._since is not None

    def connected(self, now: float) -> None:
        """The store has answered, and the view of what it holds is complete."""
        if self._since is None:
            self._since = now

    def gap(self) -> None:
        """The connection was lost, or a request was not answered."""
        self._since = None

    def tick(self, now: float) -> None:
        """Note that this process runs."""
        paused = self._ran_at is not None and now - self._ran_at > self._terms.longest_pause
        if paused and self._since is not None:
            self._since = now
        self._ran_at = now

    @property
    def may_claim_from(self) -> float:
        """From when on it has been connected for long enough to believe that what looks free is free."""
        return float("inf") if self._since is None else self._since + self._terms.quarantine

    def may_claim(self, now: float) -> bool:
        """Whether what looks free may be claimed."""
        return now >= self.may_claim_from
