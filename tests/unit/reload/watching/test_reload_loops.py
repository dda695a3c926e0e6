from __future__ import annotations

from nescord_core.reload.watching.reload_loops import OwnWrites, SiftedChanges


def test_what_others_write_always_counts() -> None:
    writes = OwnWrites(limit=2)
    for now in range(10):
        assert writes.sift(["bot/app.py"], float(now) / 10) == SiftedChanges(("bot/app.py",))


def test_a_bot_that_writes_a_watched_file_is_noticed_once_and_left_alone() -> None:
    writes = OwnWrites(window=2.0, limit=3)
    results = []
    for step in range(5):
        writes.wrote("bot/data.py", step * 0.1)
        results.append(writes.sift(["bot/data.py"], step * 0.1 + 0.05))
    assert results == [
        SiftedChanges(("bot/data.py",)),
        SiftedChanges(("bot/data.py",)),
        SiftedChanges((), ("bot/data.py",)),
        SiftedChanges(()),
        SiftedChanges(()),
    ]


def test_a_person_ends_the_pause() -> None:
    writes = OwnWrites(window=2.0, limit=1)
    writes.wrote("bot/data.py", 0.0)
    assert writes.sift(["bot/data.py"], 0.1) == SiftedChanges((), ("bot/data.py",))
    assert writes.sift(["bot/data.py"], 5.0) == SiftedChanges(("bot/data.py",))
    writes.wrote("bot/data.py", 6.0)
    assert writes.sift(["bot/data.py"], 6.1).paused == ("bot/data.py",)


def test_other_files_are_judged_by_themselves() -> None:
    writes = OwnWrites(limit=1)
    writes.wrote("bot/data.py", 0.0)
    assert writes.sift(["bot/app.py", "bot/data.py"], 0.1) == SiftedChanges(("bot/app.py",), ("bot/data.py",))
