from __future__ import annotations

import pytest

from nescord_core.reload.watching.debounce import Debounce


def test_changes_are_gathered_until_they_pause() -> None:
    debounce = Debounce(quiet=0.01, several=0.05, longest=0.5)
    debounce.changed(["a.py"], 10.00)
    debounce.changed(["b.py"], 10.005)
    debounce.changed(["a.py"], 10.04)
    assert debounce.take(10.06) == frozenset()
    assert debounce.next_at() == 10.09
    assert debounce.take(10.09) == {"a.py", "b.py"}
    assert debounce.take(11.0) == frozenset()
    assert debounce.next_at() is None


def test_one_file_waits_for_its_editor_only() -> None:
    debounce = Debounce(quiet=0.01, several=0.05)
    debounce.changed(["a.py"], 10.0)
    debounce.changed(["a.py"], 10.005)
    assert debounce.take(10.014) == frozenset()
    assert debounce.take(10.015) == {"a.py"}


def test_changes_that_never_pause_are_told_after_the_longest_wait() -> None:
    debounce = Debounce(quiet=0.05, several=0.05, longest=0.2)
    taken: list[tuple[float, frozenset[str]]] = []
    for step in range(30):
        now = step / 50
        debounce.changed([f"{step}.py"], now)
        if paths := debounce.take(now):
            taken.append((now, paths))
    assert taken[0][0] == 0.2
    assert frozenset().union(*(paths for _, paths in taken)) == {f"{step}.py" for step in range(23)}


def test_no_paths_are_no_change() -> None:
    debounce = Debounce()
    debounce.changed([], 1.0)
    assert debounce.next_at() is None


def test_a_file_whose_writer_is_through_is_not_waited_for() -> None:
    debounce = Debounce(closed=0.002, quiet=0.015, several=0.06)
    debounce.changed(["a.py"], 10.0)
    assert debounce.next_at() == 10.015
    debounce.whole(["a.py", "never_changed.py"])
    assert debounce.next_at() == 10.002
    debounce.changed(["a.py"], 10.001)
    assert debounce.next_at() == 10.016, "it is being written again"
    debounce.whole(["a.py"])
    debounce.changed(["b.py"], 10.002)
    debounce.whole(["b.py"])
    assert debounce.next_at() == pytest.approx(10.062), "more than one file of a branch or of `save all`"
    assert debounce.take(10.063) == {"a.py", "b.py"}
    debounce.changed(["a.py"], 11.0)
    assert debounce.next_at() == 11.015, "taking a file forgets that it was whole"
