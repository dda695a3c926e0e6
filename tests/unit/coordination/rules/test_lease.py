"""One lease: until when the store's answers give a right, and what follows from an answer that is missing."""

from __future__ import annotations

import pytest

from nescord_core.coordination.rules.lease import (
    ACCEPTED,
    Answered,
    Began,
    Conflicted,
    Ended,
    Erase,
    Found,
    Lease,
    LeaseState,
    Look,
    Lost,
    Outcome,
    Write,
)
from nescord_core.coordination.rules.terms import Terms

TERMS = Terms()


def held(now: float = 0.0, revision: int = 10) -> Lease:
    lease = Lease(TERMS)
    (write,) = lease.claim(now)
    assert isinstance(write, Write)
    assert write.revision == 0
    assert lease.handle(Answered(write.request, revision), now + 0.1) == [Began(revision)]
    return lease


def renew(lease: Lease, now: float) -> Write:
    (write,) = lease.tick(now)
    assert isinstance(write, Write)
    return write


def test_the_table_names_every_state() -> None:
    assert set(ACCEPTED) == set(LeaseState)


def test_the_right_counts_from_when_the_renewal_was_sent_not_from_its_answer() -> None:
    lease = held(0.0)
    assert lease.until == 5.0
    write = renew(lease, 1.5)
    assert write.revision == 10
    assert lease.handle(Answered(write.request, 11), 3.0) == []
    assert lease.until == 6.5
    assert lease.fence == 10, "a renewal keeps the fence"


def test_it_ends_at_its_deadline_and_sends_nothing_any_more() -> None:
    lease = held(0.0)
    renew(lease, 1.5)
    assert lease.tick(4.9) == []
    assert lease.tick(5.0) == [Ended(Outcome.EXPIRED)]
    assert lease.tick(6.0) == []


def test_an_answer_after_the_end_changes_nothing() -> None:
    lease = held(0.0)
    write = renew(lease, 1.5)
    lease.tick(5.0)
    assert lease.handle(Answered(write.request, 11), 5.1) == []
    assert lease.state is LeaseState.IDLE


def test_a_claim_that_is_answered_too_late_is_given_back() -> None:
    lease = Lease(TERMS)
    (write,) = lease.claim(0.0)
    assert isinstance(write, Write)
    (erase,) = lease.handle(Answered(write.request, 10), 5.0)
    assert isinstance(erase, Erase)
    assert not lease.is_held


@pytest.mark.parametrize(("revision", "is_ours"), [(None, False), (7, False), (7, True)])
def test_a_claim_without_an_answer_is_no_claim(revision: int | None, is_ours: bool) -> None:
    lease = Lease(TERMS)
    (write,) = lease.claim(0.0)
    assert isinstance(write, Write)
    (look,) = lease.handle(Lost(write.request), 1.5)
    assert isinstance(look, Look)
    effects = lease.handle(Found(look.request, revision, is_ours), 1.6)
    assert [type(each) for each in effects] == ([Erase] if is_ours else [])
    assert not lease.is_held


def test_a_renewal_without_an_answer_is_sent_again_soon() -> None:
    lease = held(0.0)
    write = renew(lease, 1.5)
    assert lease.handle(Lost(write.request), 3.0) == []
    assert lease.tick(3.1) == []
    assert renew(lease, 3.0 + TERMS.retry_after).revision == 10
    assert lease.until == 5.0


def test_a_renewal_that_was_done_unheard_is_built_upon() -> None:
    lease = held(0.0)
    lost = renew(lease, 1.5)
    lease.handle(Lost(lost.request), 3.0)
    (look,) = lease.handle(Conflicted(renew(lease, 3.5).request), 3.6)
    assert isinstance(look, Look)
    (write,) = lease.handle(Found(look.request, 11, is_ours=True), 3.7)
    assert write == Write(write.request, 11)  # type: ignore[union-attr]
    assert lease.until == 5.0, "nobody knows when it was done"


def test_what_the_store_has_lost_is_written_back_while_the_right_lasts() -> None:
    lease = held(0.0)
    (look,) = lease.handle(Conflicted(renew(lease, 1.5).request), 1.6)
    assert isinstance(look, Look)
    (write,) = lease.handle(Found(look.request, None), 1.7)
    assert isinstance(write, Write)
    assert write.revision == 0
    assert lease.handle(Answered(write.request, 900), 1.8) == []
    assert (lease.fence, lease.until) == (10, 6.7)


def test_another_holder_ends_it_at_once() -> None:
    lease = held(0.0)
    (look,) = lease.handle(Conflicted(renew(lease, 1.5).request), 1.6)
    assert isinstance(look, Look)
    assert lease.handle(Found(look.request, 900), 1.7) == [Ended(Outcome.TAKEN)]


def test_the_testimony_of_others_keeps_it_past_its_deadline() -> None:
    lease = held(0.0)
    assert Ended(Outcome.EXPIRED) not in lease.tick(20.0, kept_until=21.0)
    assert lease.tick(21.0, kept_until=21.0) == [Ended(Outcome.EXPIRED)]


def test_it_is_given_up_only_after_the_last_change_is_written() -> None:
    lease = held(0.0)
    renewal = renew(lease, 1.5)
    assert lease.rewrite(1.6) == [], "one request at a time"
    assert lease.release() == []
    (change,) = lease.handle(Answered(renewal.request, 11), 1.7)
    assert isinstance(change, Write)
    assert change.revision == 11
    effects = lease.handle(Answered(change.request, 12), 1.8)
    assert effects[0] == Ended(Outcome.RELEASED)
    assert isinstance(effects[1], Erase)
    assert effects[1].revision == 12


def test_only_an_idle_lease_can_be_claimed() -> None:
    with pytest.raises(RuntimeError, match="HELD"):
        held().claim(1.0)
