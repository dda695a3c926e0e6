from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nescord_core.supervisor import lifecycle
from nescord_core.supervisor.lifecycle import (
    LEGAL,
    OVER,
    BackoffOver,
    Cleared,
    Exited,
    Fact,
    GraceOver,
    KillNow,
    Lifecycle,
    NotStarted,
    Probed,
    Reading,
    Report,
    RestartRequested,
    SignalGroup,
    Spawn,
    State,
    StopRequested,
    Timer,
)
from nescord_core.supervisor.spec import ReadyProbe, RestartPolicy, ServiceSpec

URL = "http://127.0.0.1:1/readyz"
SPEC = ServiceSpec(
    "rest",
    ("true",),
    ready=ReadyProbe(URL, start_timeout=30, silence=60),
    restart=RestartPolicy(base=1, spread=0, give_up_after=2),
    grace=5,
)


def started(spec: ServiceSpec = SPEC) -> Lifecycle:
    life = Lifecycle(spec)
    assert life.apply(Cleared(), now=0) == [Spawn(1), Report(State.STARTING), *_ready_at_once(spec)]
    return life


def _ready_at_once(spec: ServiceSpec) -> list[Report]:
    return [] if spec.ready else [Report(State.READY)]


def ready() -> Lifecycle:
    life = started()
    assert life.apply(Probed(1, Reading.GOOD), now=1) == [Report(State.READY)]
    return life


def stopping() -> Lifecycle:
    life = ready()
    life.apply(StopRequested(), now=2)
    return life


def test_the_table_names_every_state_and_every_fact() -> None:
    assert set(LEGAL) == set(State)
    named = set().union(*LEGAL.values())
    assert named == set(lifecycle.Fact.__args__)


def test_it_starts_when_cleared_and_is_ready_with_the_first_good_probe() -> None:
    life = started()
    assert life.apply(Probed(1, Reading.SILENT), now=0.1) == []
    assert life.apply(Probed(1, Reading.BAD), now=0.2) == []
    assert life.apply(Probed(1, Reading.GOOD), now=0.3) == [Report(State.READY)]
    assert life.ready_at == 0.3


def test_without_a_probe_it_is_ready_as_soon_as_it_runs() -> None:
    assert started(ServiceSpec("x", ("true",))).state is State.READY


def test_one_that_says_it_is_not_ready_is_not_restarted_however_long_it_takes() -> None:
    life = started()
    for now in range(1000):
        assert life.apply(Probed(1, Reading.BAD), now=now) == []
    assert life.state is State.STARTING


def test_one_that_never_answers_is_stopped_after_the_start_timeout_and_that_counts_as_a_failure() -> None:
    life = started()
    assert life.apply(Probed(1, Reading.SILENT), now=29) == []
    effects = life.apply(Probed(1, Reading.SILENT), now=30)
    assert effects[:2] == [SignalGroup(kill=False), Timer(5, GraceOver(1))]
    assert effects[2] == Report(State.STOPPING, f"no answer from {URL} for 30 s")
    assert life.apply(Exited(1, 0), now=31)[1] == Timer(1, BackoffOver(1))
    assert life.state is State.BACKOFF


def test_a_ready_one_turns_unhealthy_and_back() -> None:
    life = ready()
    assert life.apply(Probed(1, Reading.BAD), now=2)[0] == Report(
        State.UNHEALTHY, "not ready (no reason given)"
    )
    assert life.apply(Probed(1, Reading.GOOD), now=3) == [Report(State.READY, "healthy again")]
    problem = "shard 3 is resuming"
    assert life.apply(Probed(1, Reading.BAD, problem), now=4) == [Report(State.UNHEALTHY, problem)]
    assert life.ready_at == 1


def test_a_silence_while_the_supervisor_was_suspended_does_not_count() -> None:
    life = ready()
    assert life.apply(Probed(1, Reading.SUSPENDED), now=1000) == []
    assert life.apply(Probed(1, Reading.SILENT), now=1001) == [
        Report(State.UNHEALTHY, f"no answer from {URL}")
    ]
    assert life.state is State.UNHEALTHY


def test_long_silence_of_a_ready_one_ends_in_a_restart() -> None:
    life = ready()
    assert life.apply(Probed(1, Reading.SILENT), now=30)[0] == Report(
        State.UNHEALTHY, f"no answer from {URL}"
    )
    assert life.apply(Probed(1, Reading.SILENT), now=60.9) == []
    assert life.apply(Probed(1, Reading.SILENT), now=61)[0] == SignalGroup(kill=False)


def test_a_crash_waits_then_starts_again_and_the_second_in_a_row_is_given_up() -> None:
    life = ready()
    assert life.apply(Exited(1, -9), now=2) == [
        Report(State.BACKOFF, "killed by signal 9; restarting in 1.0 s"),
        Timer(1, BackoffOver(1)),
    ]
    assert life.apply(BackoffOver(1), now=3) == [Spawn(2), Report(State.STARTING)]
    assert life.restarts == 1
    assert life.apply(Exited(2, 1), now=4) == [
        Report(State.FAILED, "exited with code 1 for the 2nd time in a row")
    ]


def test_wrong_configuration_fails_at_once() -> None:
    life = started()
    assert life.apply(Exited(1, 2), now=1)[0] == Report(
        State.FAILED, "exited with code 2, which a restart would not fix"
    )


def test_stopping_asks_politely_then_kills_the_group() -> None:
    life = ready()
    assert life.apply(StopRequested(), now=2) == [
        SignalGroup(kill=False),
        Timer(5, GraceOver(1)),
        Report(State.STOPPING),
    ]
    assert life.apply(GraceOver(1), now=7)[0] == SignalGroup(kill=True)
    assert life.apply(Exited(1, -9), now=7.1) == [Report(State.STOPPED)]


def test_what_does_not_run_stops_at_once() -> None:
    waiting = Lifecycle(SPEC)
    assert waiting.apply(StopRequested(), now=0) == [Report(State.STOPPED)]
    backoff = ready()
    backoff.apply(Exited(1, 1), now=2)
    assert backoff.apply(StopRequested(), now=2.5) == [Report(State.STOPPED)]
    assert backoff.apply(BackoffOver(1), now=3) == []


def test_kill_now_does_not_wait_for_anybody() -> None:
    assert stopping().apply(KillNow(), now=2.1) == [SignalGroup(kill=True)]
    assert ready().apply(KillNow(), now=2) == [SignalGroup(kill=True), Report(State.STOPPING, "killed")]


def test_a_restart_on_request_starts_anew_without_counting_as_a_failure() -> None:
    life = ready()
    assert life.apply(RestartRequested(), now=2)[0] == SignalGroup(kill=False)
    assert life.apply(Exited(1, 0), now=3) == [Spawn(2), Report(State.STARTING)]
    assert life.restarts == 1
    assert life.apply(Exited(2, 1), now=4)[1] == Timer(1, BackoffOver(2))


def test_a_stop_during_a_restart_wins() -> None:
    life = ready()
    life.apply(RestartRequested(), now=2)
    assert life.apply(StopRequested(), now=2.1) == []
    assert life.apply(Exited(1, 0), now=3) == [Report(State.STOPPED)]


def test_one_that_was_given_up_can_be_started_by_hand() -> None:
    life = started()
    life.apply(Exited(1, 2), now=1)
    assert life.apply(RestartRequested(), now=9) == [Spawn(2), Report(State.STARTING)]


def test_news_of_an_earlier_process_changes_nothing() -> None:
    life = ready()
    life.apply(Exited(1, 1), now=2)
    life.apply(BackoffOver(1), now=3)
    for late in (Probed(1, Reading.GOOD), Exited(1, 1), GraceOver(1), BackoffOver(1)):
        assert life.apply(late, now=4) == []
    assert life.state is State.STARTING


def test_a_start_that_lacks_descriptors_is_tried_again_however_often() -> None:
    life = started()
    for run in range(1, 20):
        why = "cannot be started: too many open files; trying again in 5 s"
        assert life.apply(NotStarted(run, "too many open files"), now=run) == [
            Report(State.BACKOFF, why),
            Timer(5.0, BackoffOver(run)),
        ]
        assert life.apply(BackoffOver(run), now=run) == [Spawn(run + 1), Report(State.STARTING)]
    assert life.apply(Exited(20, 1), now=21)[1] == Timer(1, BackoffOver(20)), "the first failure"


def test_a_start_that_lacks_descriptors_does_not_hold_up_a_stop() -> None:
    life = started()
    life.apply(StopRequested(), now=1)
    assert life.apply(NotStarted(1, "no room"), now=2) == [Report(State.STOPPED)]


FACTS = st.one_of(
    st.just(Cleared()),
    st.builds(Probed, st.integers(1, 4), st.sampled_from(Reading)),
    st.builds(Exited, st.integers(1, 4), st.sampled_from([0, 1, 2, -9])),
    st.builds(NotStarted, st.integers(1, 4), st.just("no descriptors")),
    st.builds(BackoffOver, st.integers(1, 4)),
    st.builds(GraceOver, st.integers(1, 4)),
    st.just(StopRequested()),
    st.just(RestartRequested()),
    st.just(KillNow()),
)


@given(st.lists(FACTS, max_size=60))
def test_whatever_happens_one_process_runs_at_most_and_a_stop_is_final(facts: list[Fact]) -> None:
    life, alive, now = Lifecycle(SPEC), False, 0.0
    for fact in facts:
        now += 1
        if isinstance(fact, Exited | NotStarted):
            if not alive or fact.run != life.run:
                continue
            alive = False
        stopped = life.state is State.STOPPED
        for effect in life.apply(fact, now=now):
            assert not stopped
            if isinstance(effect, Spawn):
                assert not alive
                alive = True
            elif isinstance(effect, SignalGroup):
                assert alive
        assert not (life.state in OVER and alive)
        assert alive == (life.state in (State.STARTING, State.READY, State.UNHEALTHY, State.STOPPING))


def test_a_restart_in_order_waits_for_what_the_service_depends_on() -> None:
    life = ready()
    effects = life.apply(RestartRequested(in_order=True), now=5)
    assert effects[0] == SignalGroup(kill=False)
    assert life.apply(RestartRequested(in_order=True), now=5) == [], "once is enough"
    assert life.apply(Exited(1, 0), now=6) == [Report(State.WAITING, lifecycle.RESTARTING)]
    assert life.restarts == 1
    assert life.apply(Cleared(), now=7) == [Spawn(2), Report(State.STARTING)]


def test_a_restart_in_order_ends_a_backoff_and_yields_to_a_stop() -> None:
    life = ready()
    life.apply(Exited(1, 1), now=3)
    assert life.state is State.BACKOFF
    assert life.apply(RestartRequested(in_order=True), now=4) == [Report(State.WAITING, lifecycle.RESTARTING)]
    life = ready()
    life.apply(RestartRequested(in_order=True), now=5)
    life.apply(StopRequested(), now=5)
    assert life.apply(Exited(1, 0), now=6) == [Report(State.STOPPED)]
