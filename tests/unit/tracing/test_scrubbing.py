"""A recording loses personal data, and keeps what identifies events."""

from __future__ import annotations

from nescord_core.tracing.scrubbing import CONTENT, NAMES, Scrubber

MESSAGE = {
    "id": "1",
    "content": "Meet me at 5, ok?",
    "author": {"id": "7", "username": "alice", "global_name": "Alice", "avatar": "abc", "bot": False},
    "member": {"nick": "alice", "roles": ["9"]},
    "embeds": [{"title": "A plan", "type": "rich"}],
    "token": "a-secret",
}


def test_secrets_always_go_and_nothing_else_unasked() -> None:
    scrubbed = Scrubber().scrub(MESSAGE)
    assert scrubbed == MESSAGE | {"token": "(scrubbed)"}


def test_names_become_the_same_stand_in_each_time() -> None:
    scrubber = Scrubber(frozenset({NAMES}))
    scrubbed = scrubber.scrub(MESSAGE)
    assert scrubbed["author"] == {
        "id": "7", "username": "user-1", "global_name": "user-2", "avatar": None, "bot": False,
    }  # fmt: skip
    assert scrubbed["member"] == {"nick": "user-1", "roles": ["9"]}
    assert scrubbed["content"] == MESSAGE["content"]
    assert scrubber.scrub({"username": "alice"}) == {"username": "user-1"}


def test_content_keeps_its_shape_only() -> None:
    scrubbed = Scrubber(frozenset({CONTENT})).scrub(MESSAGE)
    assert scrubbed["content"] == "xxxx xx xx x, xx?"
    assert scrubbed["embeds"] == [{"title": "x xxxx", "type": "rich"}]
    assert scrubbed["author"]["username"] == "alice"
