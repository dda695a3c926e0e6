from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nescord_core.dispatch.receiver.dedupe import Dedupe

identities = st.tuples(st.integers(0, 2), st.sampled_from(["a", "b"]), st.integers(1, 40))


@given(st.lists(identities, max_size=80))
def test_within_its_window_it_remembers_exactly_what_was_added(added: list[tuple[int, str, int]]) -> None:
    dedupe = Dedupe(window=1000)
    for identity in added:
        dedupe.add(*identity)
    known = set(added)
    for shard in range(3):
        for session in ("a", "b"):
            for seq in range(1, 41):
                assert dedupe.seen(shard, session, seq) == ((shard, session, seq) in known)


@given(st.lists(identities, max_size=200), st.integers(1, 16))
def test_it_stays_within_its_window_and_never_invents(added: list[tuple[int, str, int]], window: int) -> None:
    dedupe = Dedupe(window)
    for identity in added:
        dedupe.add(*identity)
        assert len(dedupe) <= window
    kept = {(shard, session, seq) for shard, session, a, b in dedupe for seq in range(a, b + 1)}
    assert kept <= set(added)


def test_an_events_identity_is_shard_session_and_seq() -> None:
    """Sequence numbers are per session: the same number elsewhere is another event."""
    dedupe = Dedupe(10)
    dedupe.add(0, "a", 7)
    assert dedupe.seen(0, "a", 7)
    assert not dedupe.seen(1, "a", 7)
    assert not dedupe.seen(0, "b", 7)


def test_the_session_used_longest_ago_is_forgotten_first() -> None:
    dedupe = Dedupe(4)
    dedupe.add(0, "old", 1)
    dedupe.add(0, "new", 1)
    for seq in range(3, 20, 2):
        dedupe.add(0, "new", seq)
    assert not dedupe.seen(0, "old", 1)
    assert dedupe.seen(0, "new", 19)


def test_consecutive_numbers_take_the_room_of_one() -> None:
    dedupe = Dedupe(2)
    for seq in range(1, 100_001):
        dedupe.add(0, "a", seq)
    dedupe.add(0, "a", 200_000, 300_000)
    assert len(dedupe) == 2
    assert dedupe.seen(0, "a", 1)
    assert dedupe.seen(0, "a", 250_000)
