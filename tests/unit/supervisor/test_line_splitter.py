from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nescord_core.supervisor.line_splitter import LineSplitter


def split(*chunks: bytes, longest: int = 1 << 16) -> list[str]:
    splitter = LineSplitter(longest)
    return [line for chunk in chunks for line in splitter.feed(chunk)] + splitter.flush()


def test_lines_come_when_they_are_complete() -> None:
    splitter = LineSplitter()
    assert splitter.feed(b"one\ntw") == ["one"]
    assert splitter.feed(b"o\r\n\nthree") == ["two", ""]
    assert splitter.flush() == ["three"]
    assert splitter.flush() == []


def test_a_character_is_not_cut_by_the_border_of_a_chunk() -> None:
    data = "größer €\n".encode()
    for at in range(len(data)):
        assert split(data[:at], data[at:]) == ["größer €"]


def test_bytes_that_are_not_utf_8_are_shown_as_such() -> None:
    assert split(b"\xff!\n\x80\x80") == ["\ufffd!", "\ufffd\ufffd"]


def test_an_overlong_line_comes_in_pieces_cut_between_characters() -> None:
    assert split("€€€€".encode(), longest=7) == ["€€", "€€"]
    assert split(b"abcdefgh\nij", longest=3) == ["abc", "def", "gh", "ij"]


@given(st.lists(st.binary(max_size=30), max_size=8), st.integers(4, 12))
def test_nothing_is_lost_and_no_piece_is_too_long(chunks: list[bytes], longest: int) -> None:
    data = b"".join(chunks).replace(b"\r", b"")
    splitter = LineSplitter(longest)
    lines = splitter.feed(data) + splitter.flush()
    assert all(len(line) <= longest for line in lines)
    if data.isascii():
        assert "".join(lines) == data.decode().replace("\n", "")


@given(
    st.text(alphabet=st.characters(exclude_characters="\n\r", exclude_categories=["Cs"])), st.integers(4, 9)
)
def test_pieces_of_a_text_put_together_are_the_text(text: str, longest: int) -> None:
    data = text.encode()
    chunks = [data[at : at + 3] for at in range(0, len(data), 3)]
    assert "".join(split(*chunks, longest=longest)) == text
