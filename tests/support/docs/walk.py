"""Follows a page of the documentation: writes its files, runs its commands, compares what they print.

Everything happens in an empty directory, which stands for ``/home/me``, with a shell's state (directory and
variables) kept from block to block. The default ports of the page (7400 to 7459) become free ones.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from support.docs.blocks import Block
from support.docs.printed import difference, missing
from support.docs.shell import Command, Shell
from support.processes.commands import PATIENCE, fetch, until

__all__ = ["Walk"]

TAKEN = "the port is taken by"
"""`nescord demo` chooses among default ports, which other tests on this machine may take: try again."""


class Walk:
    """One reader of one page. Use it as a context manager, which ends what the page has started.

    A reader with nothing ``installed`` has no nescord, and may use pip and its cache. ``patience``: how many
    seconds a command may take.
    """

    def __init__(self, scratch: Path, *, installed: bool = True, patience: float = PATIENCE) -> None:
        self.shell = Shell(scratch, installed=installed)
        self.printed = ""
        self.background: list[Command] = []
        self._patience = patience

    def __enter__(self) -> Walk:
        return self

    def __exit__(self, *_: object) -> None:
        for command in reversed(self.background):
            command.end()

    def step(self, block: Block) -> None:
        """Do what a block says, unless it is skipped."""
        ways = {
            "skip": lambda _: None,
            "ask": self.ask,
            "interrupt": lambda _: self.background[-1].interrupt(),
            "run": lambda block: self.run(block, block.marks["run"]),
            "file": self.write,
            "output": self.compare,
            "terminals": self.run_in_terminals,
        }
        for mark, way in ways.items():
            if mark in block.marks:
                way(block)
                return
        if block.language in ("bash", "sh"):
            self.run(block, block.text)
        elif block.language == "console":
            self.run_session(block)

    def write(self, block: Block) -> None:
        """Write a block to its file."""
        path = self.shell.directory(block.marks.get("in")) / block.marks["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.shell.moved(block.text), encoding="utf-8")

    def run(self, block: Block, commands: str) -> None:
        """Run commands as a shell would, to their end or in the background."""
        stays = bool({"background", "terminals"} & block.marks.keys())
        log = self.background[-1].log if self.background else Path("/dev/null")
        command = self.shell.start(commands, block.marks.get("in"), stays=stays, shown_log=log)
        if stays:
            self.background.append(command)
            if "until" in block.marks and not self._has_started(block, command):
                command.end()
                self.background.remove(command)
                self.run(block, commands)
            return
        code = command.wait(self._patience)
        self.printed = command.output
        wanted = int(block.marks.get("exit", "0"))
        if code != wanted and TAKEN in self.printed:
            self.run(block, commands)
            return
        assert code == wanted, f"{block}: exit code {code} instead of {wanted}:\n{self.printed}"

    def run_in_terminals(self, block: Block) -> None:
        """Start each line in the background."""
        for line in filter(None, block.text.splitlines()):
            self.run(block, line)

    def _has_started(self, block: Block, command: Command) -> bool:
        """Wait until it has, and return False if it has lost its port to another program meanwhile."""
        text = block.marks["until"]

        def is_decided() -> bool:
            return text in command.output or not command.runs

        until(is_decided, f"{block}: {text!r}", self._patience)
        lost = text not in command.output and TAKEN in command.output
        assert lost or text in command.output, f"{block} has ended:\n{command.output}"
        return not lost

    def run_session(self, block: Block) -> None:
        """Run each ``$ command`` of a console block, and compare what follows it."""
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            self.run(block, command + "\n")
            wrong = difference(shown.splitlines(), self.printed.splitlines())
            assert wrong is None, f"{block}: `{command}` does not print {wrong!r}, but:\n{self.printed}"

    def compare(self, block: Block) -> None:
        """Compare shown output with what was printed."""
        lines = block.text.splitlines()
        if block.marks["output"] == "background":
            last = self.background[-1]
            until(
                lambda: not missing(lines, last.output.splitlines()),
                f"{block}: {lines}, printed is {last.output}",
            )
            return
        wrong = difference(lines, self.printed.splitlines())
        assert wrong is None, f"{block}: {wrong!r} is not in:\n{self.printed}"

    def ask(self, block: Block) -> None:
        """Say something to the bot as a person, and compare its answer."""
        user = block.marks.get("as", "alice")
        said = self.control("/say", channel="general", user=user, content=block.marks["ask"])
        answer = self.control("/wait", channel="general", after=said["id"], timeout=PATIENCE)
        assert re.search(block.marks["answer"], answer["content"]), f"{block}: {answer['content']!r}"

    def _sandbox_port(self) -> int:
        """Return the port that was printed last; `nescord demo` chooses one by itself."""
        logs = "".join(
            command.log.read_text(encoding="utf-8", errors="replace") for command in self.background
        )
        printed = re.findall(r"Page +http://127\.0\.0\.1:(\d+)/", logs)
        return int(printed[-1]) if printed else self.shell.first_port

    def control(self, path: str, **body: Any) -> Any:
        """Call the sandbox's control API."""
        status, answer = fetch("POST", f"http://127.0.0.1:{self._sandbox_port()}/sandbox{path}", body)
        assert status == 200, answer
        return answer
