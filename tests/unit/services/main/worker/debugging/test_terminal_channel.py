from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from nescord_core.services.main.worker.debugging.terminal_channel import TerminalChannel


class Terminal:
    """The other end."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._file = end.makefile("rb")

    def send(self, **message: Any) -> None:
        self._end.sendall(json.dumps(message).encode() + b"\n")

    def received(self) -> Any:
        return json.loads(self._file.readline())

    def close(self) -> None:
        self._file.close()
        self._end.close()


@pytest.fixture
def ends() -> Iterator[tuple[TerminalChannel, Terminal]]:
    ours, theirs = socket.socketpair()
    with closing(TerminalChannel(ours)) as channel, closing(Terminal(theirs)) as terminal:
        yield channel, terminal


def test_whole_lines_are_sent_and_the_rest_is_the_prompt(ends: tuple[TerminalChannel, Terminal]) -> None:
    channel, terminal = ends
    terminal.send(line="p x")
    channel.write("> app.py(3)\n-> x")
    channel.write(" = 1\n(Pdb) ")
    assert channel.readline() == "p x\n"
    assert terminal.received() == {"out": "> app.py(3)\n"}
    assert terminal.received() == {"out": "-> x = 1\n"}
    assert terminal.received() == {"ask": "(Pdb) "}


def test_completions_are_answered_while_a_line_is_awaited(ends: tuple[TerminalChannel, Terminal]) -> None:
    channel, terminal = ends
    channel.completer = lambda word, line, begin, end: [f"{word}age", line, str(begin), str(end)]
    terminal.send(complete=["mess", "p mess", 2, 6])
    terminal.send(line="")
    assert channel.readline() == "\n"
    assert terminal.received() == {"ask": ""}
    assert terminal.received() == {"matches": ["message", "p mess", "2", "6"]}


@pytest.mark.parametrize("end", [{"eof": True}, {"nonsense": 1}, None])
def test_the_end_of_the_terminal_is_an_end_of_file(
    ends: tuple[TerminalChannel, Terminal], end: dict[str, Any] | None
) -> None:
    channel, terminal = ends
    assert channel.is_open
    if end is None:
        terminal.close()
        assert not channel.is_open
    else:
        terminal.send(**end)
    assert channel.readline() == ""
    channel.write("nobody reads this\n")
