"""What the other members say about the store while it does not answer this host."""

from __future__ import annotations

from collections.abc import Iterable

from nescord_core.coordination.rules.terms import Terms

__all__ = ["Testimony"]


class Testimony:
    """Until when nobody can have claimed what this host holds, by the word of every other member.

    A member that the store does not answer claims nothing before its quarantine is over. Once one member says
    that the store answers it, or does not answer itself, this host soon relies on its leases alone.
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._asked_at: dict[str, float] = {}

    def heard(self, member: str, asked_at: float, *, store_answers: bool) -> None:
        """Note a member's answer to a question that was sent at ``asked_at``.

        A yes extends nothing, but takes nothing back: the quarantine that an earlier no has promised goes on.
        """
        if not store_answers:
            self._asked_at[member] = max(asked_at, self._asked_at.get(member, asked_at))

    def kept_until(self, members: Iterable[str]) -> float:
        """Return until when leases are safe with these members; with none, there is nobody to take them."""
        return min(
            (
                self._terms.testimony(self._asked_at[member]) if member in self._asked_at else float("-inf")
                for member in members
            ),
            default=float("inf"),
        )
