from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nescord_core.supervisor.restart import GiveUp, Restart, StayDown, after_exit
from nescord_core.supervisor.spec import RestartPolicy, When

POLICY = RestartPolicy(base=0.5, longest=3.0, spread=0.5, healthy_after=10, give_up_after=5)


def test_the_wait_doubles_up_to_a_bound_and_the_chance_is_added() -> None:
    delays = []
    for failures in range(4):
        decision = after_exit(POLICY, exit_code=1, uptime=0, failures=failures, jitter=0)
        assert isinstance(decision, Restart)
        delays.append(decision.delay)
    assert delays == [0.5, 1.0, 2.0, 3.0]
    assert after_exit(POLICY, exit_code=1, uptime=0, failures=0, jitter=1) == Restart(0.75, 1)


def test_a_healthy_period_wipes_the_slate() -> None:
    assert after_exit(POLICY, exit_code=-9, uptime=10, failures=4, jitter=0) == Restart(0.5, 1)


def test_after_too_many_fast_exits_it_is_given_up() -> None:
    assert after_exit(POLICY, exit_code=3, uptime=9.9, failures=4, jitter=0) == GiveUp(
        "exited with code 3 for the 5th time in a row", 1
    )


@given(failures=st.integers(0, 100), uptime=st.floats(0, 1e6), jitter=st.floats(0, 0.999))
def test_wrong_configuration_is_never_tried_again(failures: int, uptime: float, jitter: float) -> None:
    decision = after_exit(POLICY, exit_code=2, uptime=uptime, failures=failures, jitter=jitter)
    assert isinstance(decision, GiveUp)
    assert decision.exit_code == 2


@given(st.integers(0, 3), st.floats(0, 9), st.floats(0, 0.999))
def test_no_wait_is_longer_than_the_bound_with_its_spread(
    failures: int, uptime: float, jitter: float
) -> None:
    decision = after_exit(POLICY, exit_code=1, uptime=uptime, failures=failures, jitter=jitter)
    assert isinstance(decision, Restart)
    assert 0.5 <= decision.delay <= 4.5


@pytest.mark.parametrize(
    ("when", "code", "kind"),
    [
        (When.ALWAYS, 0, Restart),
        (When.ON_FAILURE, 0, StayDown),
        (When.ON_FAILURE, 1, Restart),
        (When.NEVER, 0, StayDown),
        (When.NEVER, 7, GiveUp),
    ],
)
def test_when_decides_about_good_and_bad_ends(when: When, code: int, kind: type) -> None:
    decision = after_exit(RestartPolicy(when=when), exit_code=code, uptime=0, failures=0, jitter=0)
    assert type(decision) is kind


def test_a_command_that_runs_once_keeps_its_exit_code() -> None:
    policy = RestartPolicy(when=When.NEVER, final=frozenset())
    assert after_exit(policy, exit_code=7, uptime=0, failures=0, jitter=0) == GiveUp("exited with code 7", 7)
    killed = after_exit(policy, exit_code=-9, uptime=0, failures=0, jitter=0)
    assert killed == GiveUp("was killed by signal 9", 1)
