from __future__ import annotations

from nescord_core.reload.swapping.rollout import Reloaded, Rollout


def test_the_first_replica_tries_the_new_code_and_the_others_follow() -> None:
    rollout = Rollout(3, began=10.0, paths=("bot_main/app.py",))
    assert rollout.first() == [0]
    assert rollout.swapped(0, 1, 2, 0, 10.03) == [1, 2]
    assert rollout.swapped(1, 1, 2, 0, 10.04) == []
    assert rollout.swapped(2, 1, 2, 0, 10.05) == []
    assert rollout.result() is None, "the old processes still drain"
    for replica in range(3):
        rollout.gone(replica, 1, {"finished": 4, "returned": 2, "cut": 1}, killed=False)
    result = rollout.result()
    assert result is not None
    assert (result.ok, round(result.ms), result.finished, result.returned, result.cut) == (True, 50, 12, 6, 3)
    assert result.during == 21


def test_what_leaves_for_another_reason_does_not_count() -> None:
    rollout = Rollout(1, began=0.0)
    rollout.first()
    rollout.gone(0, 1, {"finished": 100}, killed=False)
    rollout.swapped(0, 2, 3, 0, 1.0)
    rollout.gone(0, 2, None, killed=True)
    result = rollout.result()
    assert result is not None
    assert (result.finished, result.killed) == (0, 1)


def test_a_reload_takes_over_what_it_supersedes() -> None:
    earlier = Rollout(2, began=0.0, paths=("a.py",))
    earlier.first()
    earlier.swapped(0, 1, 2, 0, 0.1)
    later = Rollout(2, began=0.2, paths=("b.py",)).superseding(earlier)
    later.first()
    later.swapped(0, 2, 3, 0, 0.3)
    later.swapped(1, 1, 3, 0, 0.4)
    later.gone(0, 2, {"finished": 1}, killed=False)
    later.gone(1, 1, {"finished": 1}, killed=False)
    assert later.result() is None, "the first old process still drains"
    later.gone(0, 1, {"finished": 1}, killed=False)
    result = later.result()
    assert result is not None
    assert (result.paths, result.finished) == (("b.py", "a.py"), 3)


def test_the_line_says_what_changed_how_long_it_took_and_what_became_of_the_events() -> None:
    line = Reloaded(ok=True, paths=("bot_main/app.py",), ms=63.4, finished=10, returned=4).line()
    assert line == "reloaded in 63 ms  bot_main/app.py  14 events during the swap, 0 lost"


def test_the_line_names_three_files_and_counts_the_rest() -> None:
    line = Reloaded(ok=True, paths=("a.py", "b.py", "c.py", "d.py", "e.py"), ms=5.0, finished=1).line()
    assert line == "reloaded in 5 ms  a.py, b.py, c.py and 2 more  1 event during the swap, 0 lost"


def test_the_line_owns_up_to_what_was_cut_short() -> None:
    line = Reloaded(ok=True, ms=5.0, cut=2, killed=1).line()
    assert "2 cut short" in line
    assert "1 old process killed" in line
    assert "events redelivered" in line


def test_a_swap_to_older_code_does_not_count() -> None:
    """A start that the later reload supersedes may get ready before it is told to stop."""
    earlier = Rollout(2, began=0.0, revision=1)
    earlier.first()
    earlier.swapped(0, 1, 2, 1, 0.1)
    later = Rollout(2, began=0.2, revision=2).superseding(earlier)
    later.first()
    assert later.swapped(1, 1, 2, 1, 0.3) == []
    assert later.swapped(0, 2, 3, 2, 0.4) == [1]
    assert later.result(drained=False) is None, "replica 1 still runs the older code"
    later.swapped(1, 2, 3, 2, 0.5)
    assert later.result(drained=False) is not None
