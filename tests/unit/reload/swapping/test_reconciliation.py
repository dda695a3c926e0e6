from __future__ import annotations

from nescord_core.reload.swapping.reconciliation import Attempt, Backoff, Reconciliation


def subject() -> Reconciliation:
    """A replica whose first revision runs, and whose second one is being loaded by process 2."""
    found = Reconciliation(Backoff(first=1.0, longest=8.0))
    found.request()
    found.started(1)
    found.serves(1)
    found.request()
    found.started(2)
    return found


def test_the_desired_revision_runs_once_its_process_serves() -> None:
    it = subject()
    assert (it.desired, it.running, it.is_done) == (2, 1, False)
    it.serves(2)
    assert (it.running, it.is_done) == (2, True)


def test_attempts_follow_at_growing_delays_until_it_runs() -> None:
    it = subject()
    delays = []
    for generation in range(3, 8):
        attempt = it.failed(in_code=False)
        assert attempt is not None
        assert it.is_due(attempt[0])
        delays.append(attempt[1])
        it.started(generation)
    assert delays == [1.0, 2.0, 4.0, 8.0, 8.0]
    it.serves(7)
    assert not it.is_due(Attempt(2, 5))
    assert it.failed(in_code=False) is None


def test_an_attempt_is_not_due_after_another_save() -> None:
    it = subject()
    attempt = it.failed(in_code=False)
    assert attempt is not None
    it.request()
    assert not it.is_due(attempt[0])
    assert it.failed(in_code=False) == (Attempt(3, 1), 1.0), "the delays begin again"


def test_a_failure_of_the_code_waits_for_a_save() -> None:
    assert subject().failed(in_code=True) is None


def test_nothing_is_tried_again_without_a_backoff() -> None:
    it = Reconciliation()
    it.request()
    it.started(1)
    assert it.failed(in_code=False) is None


def test_a_process_that_was_started_before_a_save_does_not_run_its_content() -> None:
    it = subject()
    it.request()
    assert it.serves(2) == 2
    assert not it.is_done


def test_a_crash_leaves_nothing_running() -> None:
    it = subject()
    it.crashed()
    assert it.running is None
    assert not it.is_done


def test_a_revision_never_goes_back() -> None:
    it = subject()
    it.request(7)
    it.request(3)
    assert it.desired == 7


def test_a_process_that_has_exited_is_forgotten() -> None:
    it = subject()
    assert it.revision_of(2) == 2
    it.gone(2)
    assert it.revision_of(2) is None
