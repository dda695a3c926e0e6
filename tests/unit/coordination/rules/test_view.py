"""What a host concludes from the keys that it has seen."""

from __future__ import annotations

from nescord_core.coordination.rules.terms import Terms
from nescord_core.coordination.rules.view import BlockRecord, HostRecord, View

TERMS = Terms()


def synced(*blocks: int, now: float = 0.0) -> View:
    view = View(TERMS, 3)
    for block in blocks:
        view.block_seen(block, BlockRecord("a", "a1"), block + 1, now)
    view.synced(now)
    return view


def test_a_block_is_free_when_nothing_was_seen_of_it_or_its_lease_has_expired() -> None:
    view = synced(0, 1)
    assert view.free(5.9) == {2: 0.0}
    view.block_seen(1, BlockRecord("a", "a1"), 9, 4.0)
    assert view.free(6.0) == {0: 6.0, 2: 0.0}
    assert set(view.holders(6.0)) == {1}


def test_a_block_that_was_handed_over_is_promised_until_it_is_held() -> None:
    view = synced(0, 1, 2)
    view.block_seen(0, BlockRecord("a", "a1", moving_to="b"), 7, 1.0)
    view.block_removed(0, 8, 1.5)
    assert view.free(1.5) == {0: 1.5}
    assert view.promised_to(0) == "b"
    view.block_seen(0, BlockRecord("b", "b1"), 9, 2.0)
    assert view.promised_to(0) is None
    assert view.changed_at == 2.0


def test_what_is_older_than_what_was_seen_is_ignored() -> None:
    view = synced(0)
    view.block_seen(0, BlockRecord("b", "b1"), 20, 1.0)
    view.block_seen(0, BlockRecord("a", "a1"), 19, 1.1)
    view.block_removed(0, 19, 1.2)
    assert view.holders(2.0)[0].host == "b"


def test_an_earlier_process_of_a_host_leaves_blocks_behind() -> None:
    view = synced(0, 1)
    view.block_seen(1, BlockRecord("a", "a2"), 8, 1.0)
    assert view.left_by("a", "a2", 2.0) == {0: 1}


def test_a_host_that_vanished_is_a_member_until_it_is_forgotten_and_one_that_left_is_not() -> None:
    view = synced()
    for name in ("a", "b"):
        view.host_seen(name, HostRecord(f"{name}1", 8), 5, 0.0)
    view.member_known("c", HostRecord("c1", 8), 0.0)
    view.host_removed("b", 1.0)
    view.is_current(1.0)
    assert set(view.members()) == {"a", "c"}
    assert view.capacities(7.0) == {}
    assert set(view.members()) == {"a", "c"}, "time in which nothing is seen forgets nobody"
    view.is_current(TERMS.member_memory)
    assert view.members() == {}
