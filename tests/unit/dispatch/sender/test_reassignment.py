"""Guilds that replicas gain, keep and lose when others join and leave."""

from __future__ import annotations

from nescord_core.dispatch.sender.reassignment import GuildAssignment, GuildMove
from support.dispatch.snapshot_model import seeds


def test_who_was_there_for_a_moment_may_have_had_a_guild() -> None:
    two, three = seeds("ab"), seeds("abc")
    assignment = GuildAssignment("a", before=two, since=three, now=two)
    moves = {assignment.move_of(each) for each in range(1, 200)}
    assert moves == {GuildMove.KEPT, GuildMove.ARRIVES, GuildMove.ELSEWHERE}
    for guild in range(1, 200):
        assert assignment.is_own(guild) == GuildAssignment("a", before=two, since=two, now=two).is_own(guild)
    assert assignment.is_change
    assert not GuildAssignment("a", before=two, since=two, now=two).is_change


def test_what_comes_and_what_goes_is_what_the_replicas_say() -> None:
    two, three = seeds("ab"), seeds("abc")
    for guild in range(1, 200):
        joined = GuildAssignment("a", before=two, since=three, now=three).move_of(guild)
        left = GuildAssignment("a", before=three, since=three, now=two).move_of(guild)
        assert (joined is GuildMove.LEAVES) == (left is GuildMove.ARRIVES)
        assert (joined is GuildMove.KEPT) == (left is GuildMove.KEPT)
