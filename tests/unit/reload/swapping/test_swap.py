from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from nescord_core.reload.swapping import swap
from nescord_core.reload.swapping.failure import Blame, Failure
from nescord_core.reload.swapping.reconciliation import Attempt, Backoff
from nescord_core.reload.swapping.swap import (
    After,
    AttemptDue,
    Crashed,
    Dismiss,
    Drain,
    Effect,
    Exited,
    Fact,
    Failed,
    GivenUp,
    Gone,
    Kill,
    Overdue,
    Phase,
    Ready,
    Refused,
    ReloadRequested,
    Replica,
    Retry,
    RetryDue,
    Start,
    Stopped,
    StopRequested,
    Swapped,
    SwapTimeouts,
)

TIMEOUTS = SwapTimeouts(start=30.0, drain=12.0, dismiss=2.0)
BROKEN = Failure("SyntaxError: invalid syntax", "bot_main/app.py", 3)


def replica(*facts: Fact) -> tuple[Replica, list[Effect]]:
    """A replica after some facts, and the effects of the last one."""
    subject = Replica(TIMEOUTS)
    effects: list[Effect] = []
    for fact in facts:
        effects = subject.step(fact)
    return subject, effects


def serving() -> Replica:
    return replica(ReloadRequested(), Ready(1))[0]


def test_the_table_names_every_fact() -> None:
    assert set(swap.TABLE) == set(Fact.__args__)


def test_the_first_start() -> None:
    subject, effects = replica(ReloadRequested())
    assert effects == [Start(1), After(30.0, Overdue(1))]
    assert subject.step(Ready(1)) == [Swapped(None, 1, 1)]
    assert subject.phase is Phase.SERVING


def test_the_old_process_serves_until_the_new_one_is_ready() -> None:
    subject = serving()
    assert subject.step(ReloadRequested()) == [Start(2), After(30.0, Overdue(2))]
    assert (subject.phase, subject.current) == (Phase.SWAPPING, 1)
    assert subject.step(Ready(2)) == [Swapped(1, 2, 2), Drain(1), After(12.0, Overdue(1))]
    assert (subject.phase, subject.current) == (Phase.SERVING, 2)
    assert subject.step(Exited(1, 0)) == [Gone(1, killed=False)]


def test_code_that_cannot_be_imported_changes_nothing() -> None:
    subject = serving()
    subject.step(ReloadRequested())
    effects = subject.step(Failed(2, BROKEN))
    assert effects[0] == Refused(2, BROKEN, serving=1)
    assert (subject.phase, subject.current) == (Phase.SERVING, 1)
    assert subject.step(Exited(2, 1)) == [Gone(2, killed=False)]
    assert subject.current == 1


def test_saving_again_supersedes_a_start() -> None:
    subject = serving()
    subject.step(ReloadRequested())
    effects = subject.step(ReloadRequested())
    assert effects == [Dismiss(2), After(2.0, Overdue(2)), Start(3), After(30.0, Overdue(3))]
    assert subject.step(Ready(2)) == [], "a superseded process that still gets ready does not serve"
    assert subject.step(Ready(3))[0] == Swapped(1, 3, 3)


def test_an_old_process_that_does_not_end_is_killed() -> None:
    subject = serving()
    subject.step(ReloadRequested())
    subject.step(Ready(2))
    assert subject.step(Overdue(1)) == [Kill(1)]
    assert subject.step(Exited(1, -9)) == [Gone(1, killed=True)]


def test_a_process_is_given_the_time_to_drain_that_it_asked_for() -> None:
    subject, _ = replica(ReloadRequested(), Ready(1, drain=60.0), ReloadRequested())
    assert subject.step(Ready(2)) == [Swapped(1, 2, 2), Drain(1), After(60.0, Overdue(1))]
    assert After(12.0, Overdue(2)) in subject.step(StopRequested())


def test_a_new_process_that_never_gets_ready_is_killed_and_refused() -> None:
    subject = serving()
    subject.step(ReloadRequested())
    kill, refused = subject.step(Overdue(2))
    assert kill == Kill(2)
    assert isinstance(refused, Refused)
    assert "30 s" in refused.failure.message
    assert subject.current == 1


def test_a_start_that_ended_without_a_word_is_refused_with_its_exit_code() -> None:
    subject = serving()
    subject.step(ReloadRequested())
    (refused,) = subject.step(Exited(2, -11))
    assert isinstance(refused, Refused)
    assert "signal 11" in refused.failure.message


def test_an_overdue_word_about_a_process_that_serves_by_now_does_nothing() -> None:
    assert serving().step(Overdue(1)) == []


def test_a_crash_is_followed_by_a_retry() -> None:
    subject = serving()
    assert subject.step(Exited(1, -9)) == [Crashed(1, -9), Retry(1)]
    assert subject.phase is Phase.BACKOFF
    assert subject.step(RetryDue(1))[0] == Start(2)


def test_a_change_during_the_wait_after_a_crash_starts_at_once_and_only_once() -> None:
    subject = serving()
    subject.step(Exited(1, -9))
    assert subject.step(ReloadRequested())[0] == Start(2)
    assert subject.step(RetryDue(1)) == []


def test_a_crash_during_a_swap_waits_for_the_new_process() -> None:
    subject = serving()
    subject.step(ReloadRequested())
    assert subject.step(Exited(1, -9)) == [Crashed(1, -9)]
    assert subject.phase is Phase.STARTING
    assert subject.step(Ready(2)) == [Swapped(None, 2, 2)]


def test_broken_code_at_the_first_start_waits_for_a_change() -> None:
    subject, _ = replica(ReloadRequested(), Failed(1, BROKEN))
    assert subject.phase is Phase.BROKEN
    assert subject.step(ReloadRequested())[0] == Start(2)


def test_broken_code_after_a_crash_is_tried_again_later() -> None:
    subject = serving()
    subject.step(Exited(1, -9))
    subject.step(RetryDue(1))
    effects = subject.step(Failed(2, BROKEN))
    assert Retry(2) in effects
    assert subject.step(GivenUp(2)) == []
    assert subject.phase is Phase.BROKEN


def test_stopping_drains_the_serving_and_dismisses_the_starting_process() -> None:
    subject = serving()
    subject.step(ReloadRequested())
    effects = subject.step(StopRequested())
    assert [type(effect) for effect in effects] == [Dismiss, After, Drain, After]
    assert subject.step(Exited(2, -15)) == [Gone(2, killed=False)]
    assert subject.step(Exited(1, 0)) == [Gone(1, killed=False), Stopped()]
    assert subject.step(ReloadRequested()) == []


@pytest.mark.parametrize("before", [[], [ReloadRequested(), Failed(1, BROKEN), Exited(1, 1)]])
def test_stopping_what_does_not_run_is_done_at_once(before: list[Fact]) -> None:
    subject, _ = replica(*before)
    assert subject.step(StopRequested()) == [Stopped()]


LATE = Failure("the new process was not ready after 30 s (main.start_timeout)", blame=Blame.PROCESS)


def watched(*facts: Fact) -> tuple[Replica, list[Effect]]:
    """A replica that tries again, after some facts, and the effects of the last one."""
    subject = Replica(TIMEOUTS, Backoff(first=1.0, longest=60.0))
    effects: list[Effect] = []
    for fact in facts:
        effects = subject.step(fact)
    return subject, effects


def test_a_start_that_is_overdue_is_tried_again_while_the_old_process_serves() -> None:
    subject, effects = watched(ReloadRequested(), Ready(1), ReloadRequested(), Overdue(2))
    due = AttemptDue(Attempt(revision=2, failures=1))
    assert effects == [Kill(2), Refused(2, LATE, serving=1, again=1.0), After(1.0, due)]
    assert subject.step(due)[0] == Start(3)
    assert subject.step(Ready(3))[0] == Swapped(1, 3, 2)
    assert subject.step(due) == [], "it runs"


def test_a_first_start_that_failed_for_want_of_something_is_tried_again() -> None:
    failure = Failure("ConnectionRefusedError: no database", blame=Blame.SURROUNDINGS)
    subject, effects = watched(ReloadRequested(), Failed(1, failure))
    assert subject.phase is Phase.BACKOFF
    due = AttemptDue(Attempt(1, 1))
    assert After(1.0, due) in effects
    assert subject.step(due)[0] == Start(2)


def test_a_process_that_was_killed_before_it_was_ready_is_started_again() -> None:
    _, effects = watched(ReloadRequested(), Ready(1), ReloadRequested(), Exited(2, -9))
    assert After(1.0, AttemptDue(Attempt(2, 1))) in effects


def test_broken_code_is_not_tried_again() -> None:
    subject, effects = watched(ReloadRequested(), Ready(1), ReloadRequested(), Failed(2, BROKEN))
    assert effects == [Refused(2, BROKEN, serving=1), After(2.0, Overdue(2))]
    assert subject.phase is Phase.SERVING


def test_a_save_during_the_delay_takes_the_place_of_the_attempt() -> None:
    subject, _ = watched(ReloadRequested(), Ready(1), ReloadRequested(), Overdue(2))
    assert subject.step(ReloadRequested())[0] == Start(3)
    assert subject.step(AttemptDue(Attempt(2, 1))) == []
    assert subject.step(Ready(3))[0] == Swapped(1, 3, 3)


def test_a_stop_ends_the_attempts() -> None:
    subject, _ = watched(ReloadRequested(), Ready(1), ReloadRequested(), Overdue(2), StopRequested())
    assert subject.step(AttemptDue(Attempt(2, 1))) == []


class Processes(RuleBasedStateMachine):
    """For any order of facts, the running processes are those that the rules believe to run."""

    def __init__(self) -> None:
        super().__init__()
        self.subject = Replica(TIMEOUTS, Backoff())
        self.attempts: list[AttemptDue] = []
        self.is_broken = False
        self.loads: dict[int, int] = {}
        self.saves = 0
        self.alive: set[int] = set()
        self.was_ready: set[int] = set()
        self.stopped_by_rules: Counter[int] = Counter()
        self.retries: list[int] = []
        self.stopped = False

    def step(self, fact: Fact) -> None:
        serving_before = self.subject.current
        for effect in self.subject.step(fact):
            match effect:
                case Start(generation):
                    assert generation not in self.stopped_by_rules
                    self.stopped_by_rules[generation] += 0
                    self.alive.add(generation)
                    self.loads[generation] = self.saves
                case Drain(generation) | Dismiss(generation):
                    assert generation in self.alive
                    self.stopped_by_rules[generation] += 1
                case Kill(generation):
                    assert generation in self.alive
                case Swapped(old, new):
                    assert old == serving_before
                    assert new in self.alive
                case Retry(crash):
                    self.retries.append(crash)
                case After(_, AttemptDue() as due):
                    self.attempts.append(due)
                case Stopped():
                    assert not self.alive
                    self.stopped = True

    @rule()
    def saved(self) -> None:
        self.saves += 1
        self.is_broken = False
        self.step(ReloadRequested())

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def ready(self, data: st.DataObject) -> None:
        generation = data.draw(st.sampled_from(sorted(self.alive)))
        if generation not in self.was_ready:
            self.was_ready.add(generation)
            self.step(Ready(generation))

    @precondition(lambda self: self.alive - self.was_ready)
    @rule(data=st.data(), failure=st.sampled_from([BROKEN, LATE]))
    def failed(self, data: st.DataObject, failure: Failure) -> None:
        generation = data.draw(st.sampled_from(sorted(self.alive - self.was_ready)))
        self.is_broken |= failure is BROKEN and generation == self.subject.candidate
        self.step(Failed(generation, failure))

    @precondition(lambda self: self.alive)
    @rule(data=st.data(), code=st.sampled_from([0, 1, -9]))
    def exited(self, data: st.DataObject, code: int) -> None:
        generation = data.draw(st.sampled_from(sorted(self.alive)))
        self.alive.remove(generation)
        self.is_broken |= code >= 0 and generation == self.subject.candidate
        self.step(Exited(generation, code))

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def overdue(self, data: st.DataObject) -> None:
        self.step(Overdue(data.draw(st.sampled_from(sorted(self.alive)))))

    @precondition(lambda self: self.retries)
    @rule(given_up=st.booleans())
    def retry(self, given_up: bool) -> None:
        crash = self.retries.pop()
        self.is_broken |= given_up
        self.step(GivenUp(crash) if given_up else RetryDue(crash))

    @precondition(lambda self: self.attempts)
    @rule()
    def attempt(self) -> None:
        self.step(self.attempts.pop(0))

    @precondition(lambda self: self.saves and not self.is_broken)
    @rule()
    def left_alone(self) -> None:
        """From here on every start succeeds: what is on disk runs in the end."""
        if self.subject.phase in (Phase.STOPPING, Phase.STOPPED):
            return
        for _ in range(3):
            for due in self.attempts:
                self.step(due)
            for crash in self.retries:
                self.step(RetryDue(crash))
            if (candidate := self.subject.candidate) is not None:
                self.was_ready.add(candidate)
                self.step(Ready(candidate))
        assert self.subject.current is not None
        assert self.loads[self.subject.current] == self.saves

    @rule()
    def stop(self) -> None:
        self.step(StopRequested())

    @invariant()
    def it_knows_every_process_by_one_role(self) -> None:
        roles = [role for role in (self.subject.current, self.subject.candidate) if role is not None]
        assert sorted([*roles, *self.subject.leaving]) == sorted(self.alive)

    @invariant()
    def it_is_never_left_with_nothing_to_come(self) -> None:
        phase = self.subject.phase
        if phase in (Phase.STARTING, Phase.SWAPPING):
            assert self.subject.candidate is not None
        if phase in (Phase.SERVING, Phase.SWAPPING):
            assert self.subject.current is not None
        if phase is Phase.BACKOFF:
            due = [
                attempt for attempt in self.attempts if self.subject.reconciliation.is_due(attempt.attempt)
            ]
            assert due or self.subject.crashes in self.retries
        if phase is Phase.STOPPED:
            assert self.stopped

    @invariant()
    def nobody_is_told_to_leave_twice(self) -> None:
        assert all(times <= 1 for times in self.stopped_by_rules.values())


TestProcesses = Processes.TestCase
TestProcesses.settings = hypothesis_settings(max_examples=200, stateful_step_count=30, deadline=None)
