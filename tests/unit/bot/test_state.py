from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from nescord_core.bot import state as subject
from nescord_core.bot.state import State


def handed(old: State) -> State:
    new = State()
    assert new.take(old.packed()[0]) == []
    return new


def test_what_one_process_keeps_the_next_one_has() -> None:
    old = State({"since": 1.5, "counts": Counter(ping=3), "names": {1: ["a"]}})
    assert handed(old) == {"since": 1.5, "counts": Counter(ping=3), "names": {1: ["a"]}}
    assert old.packed()[1] == []


def test_what_cannot_be_pickled_stays_behind_and_is_named() -> None:
    packed, problems = State({"lock": threading.Lock(), "kept": 1}).packed()
    assert list(packed) == ["kept"]
    assert len(problems) == 1
    assert problems[0].startswith(
        "state['lock'] is not passed on: a _thread.lock cannot be pickled (TypeError"
    )


def test_only_text_is_a_key() -> None:
    state: dict[Any, Any] = State()
    state[1] = "x"
    assert isinstance(state, State)
    assert state.packed() == ({}, ["state[1] is not passed on: its key is of type int, not str."])


def test_it_is_bounded() -> None:
    packed, problems = State({"small": 1, "big": b"x" * subject.LARGEST, "other": 2}).packed()
    assert list(packed) == ["small", "other"]
    assert "'big'" in problems[0]
    assert "exceed the total of 1048576" in problems[0]


class Moved:
    """A class that the new code does not have."""


def test_what_the_new_code_cannot_read_is_named() -> None:
    packed, _ = State({"it": Moved(), "kept": 1}).packed()
    packed["it"] = packed["it"].replace(b"Moved", b"Other")
    new = State()
    [problem] = new.take(packed)
    assert problem.startswith("state['it'] is lost: the new code cannot read it (AttributeError")
    assert new == {"kept": 1}


def test_the_last_handlers_of_the_old_process_are_followed() -> None:
    old = State({"count": 1, "gone": 1, "nested": {"n": 1}})
    new = handed(old)
    old["count"] = 2
    old["nested"]["n"] = 2
    old["late"] = True
    del old["gone"]
    assert new.follow(old.packed()[0]) == []
    assert new == {"count": 2, "nested": {"n": 2}, "late": True}


def test_what_the_new_process_changed_meanwhile_holds() -> None:
    old = State({"count": 1, "nested": {"n": 1}, "gone": 1, "dropped": 1})
    new = handed(old)
    new["count"] = 10
    new["nested"]["n"] = 10
    new["gone"] = 10
    new["late"] = "new"
    del new["dropped"]
    old["count"], old["nested"], old["late"], old["dropped"] = 2, {"n": 2}, "old", 2
    del old["gone"]
    new.follow(old.packed()[0])
    assert new == {"count": 10, "nested": {"n": 10}, "gone": 10, "late": "new"}
