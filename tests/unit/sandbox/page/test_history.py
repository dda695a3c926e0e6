"""The frames that a page gets when it is loaded again."""

from __future__ import annotations

import json

from nescord_core.sandbox.page.history import FrameHistory


def test_the_newest_frames_are_kept_within_both_bounds() -> None:
    history = FrameHistory(max_frames=3, max_bytes=10)
    assert history.as_json() == b"[]"
    for number in range(5):
        history.add(str(number).encode())
    assert json.loads(history.as_json()) == [2, 3, 4]
    history.add(b"123456789")
    assert json.loads(history.as_json()) == [4, 123456789]
    history.add(b"1" * 11)
    assert json.loads(history.as_json()) == []
    history.add(b"7")
    history.clear()
    assert json.loads(history.as_json()) == []
