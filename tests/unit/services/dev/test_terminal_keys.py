from __future__ import annotations

import pytest

from nescord_core.services.dev.terminal_keys import KeyFilter


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"r", "r"),
        (b"ll", "ll"),
        (b"\n", "\n"),
        (b"\x1b[A", ""),
        (b"\x1bOP", ""),
        (b"a question for q", ""),
        (b"rq\n", ""),
        ("é".encode(), "é"),
        (b"\xff", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_only_single_keys_are_keys(data: bytes, keys: str) -> None:
    assert KeyFilter().keys(data) == keys


def test_a_line_for_the_bot_is_no_key_however_it_is_typed() -> None:
    keys = KeyFilter()
    keys.expect_line()
    assert [keys.keys(each) for each in (b"q", b"r", b"an answer", b"\r", b"h")] == ["", "", "", "", "h"]
