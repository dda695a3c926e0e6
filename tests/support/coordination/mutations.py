"""Rules broken on purpose: each of these the simulation has to find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nescord_core.coordination.rules.connection import Connection
from nescord_core.coordination.rules.member import Member
from nescord_core.coordination.rules.terms import Terms
from nescord_core.coordination.rules.testimony import Testimony
from support.coordination.simulated_hosts import Faults

__all__ = ["MUTATIONS"]


class Deaf(Testimony):
    def heard(self, member: str, asked_at: float, *, store_answers: bool) -> None:
        """Ignore what the others say."""


class Trusting(Testimony):
    def heard(self, member: str, asked_at: float, *, store_answers: bool) -> None:
        super().heard(member, asked_at, store_answers=False)


class Optimistic(Testimony):
    def kept_until(self, members: object) -> float:
        """Take those who do not answer for members that cannot claim."""
        known = self._asked_at
        return max((self._terms.testimony(at) for at in known.values()), default=float("-inf"))


class Hasty(Connection):
    @property
    def may_claim_from(self) -> float:
        return float("-inf") if self.answers else float("inf")


def _deaf(member: Member) -> None:
    member.testimony = Deaf(member.terms)


def _trusting(member: Member) -> None:
    member.testimony = Trusting(member.terms)


def _optimistic(member: Member) -> None:
    member.testimony = Optimistic(member.terms)


def _hasty(member: Member) -> None:
    member.connection = Hasty(member.terms)


MUTATIONS: Mapping[str, tuple[Faults, str]] = {
    "no margin": (Faults(replace(Terms(), margin=0.0)), "cut_from_the_store"),
    "testimony ignored": (Faults(prepare=_deaf), "store_away"),
    "a yes taken for a no": (Faults(prepare=_trusting), "cut_from_the_store"),
    "members that do not answer left out": (Faults(prepare=_optimistic), "half_cut"),
    "no quarantine": (Faults(prepare=_hasty), "store_away"),
    "fence not checked on a write": (Faults(writes_unfenced=True), "paused"),
    "deadline checked by a timer only": (Faults(acts_by_timer=True), "paused"),
}
"""Each with the kind of episode that shows it."""
