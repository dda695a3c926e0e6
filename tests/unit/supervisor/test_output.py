from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

from nescord_core.process.log_records import Record, encode
from nescord_core.supervisor.log_file import LogFile
from nescord_core.supervisor.output import ERASE_LINE, Output, Shown
from nescord_core.supervisor.redaction import Redaction

SECRET = "MTIz.token.abc"


class Broken(io.StringIO):
    def write(self, _: str) -> int:
        raise BrokenPipeError


def make(file: io.StringIO, **options: object) -> Output:
    return Output(file, names=["rest", "sandbox"], now=lambda: 1.5, **options)  # type: ignore[arg-type]


def test_every_line_has_its_service_in_front_and_is_shown_as_it_is() -> None:
    text = io.StringIO()
    output = make(text)
    output.line("rest", "stdout", "[red]200[/red] :smile: \x1b[1mbold\x1b[0m")
    output.state("sandbox", "ready", state="ready")
    assert text.getvalue() == ("rest    | [red]200[/red] :smile: \x1b[1mbold\x1b[0m\nsandbox | ready\n")


def test_a_presenter_decides_what_a_terminal_shows_and_files_get_everything(tmp_path: Path) -> None:
    text = io.StringIO()
    seen: list[Shown] = []

    def present(shown: Shown) -> list[str]:
        seen.append(shown)
        return [shown.record.message] if shown.record else []

    output = make(text, present=present, log_dir=tmp_path)
    output.line("rest", "stderr", encode(Record(0.0, "warning", "nescord.rest", "two\nlines")))
    output.line("rest", "stdout", "hidden")
    output.state("rest", "ready", state="ready")
    output.close()
    assert text.getvalue() == "two\nlines\n"
    assert [shown.stream for shown in seen] == ["stderr", "stdout", "state"]
    logged = (tmp_path / "rest.log").read_text().splitlines()
    assert [line.split(" ", 1)[1].split("WARNING ")[-1] for line in logged] == [
        "two",
        "lines",
        "hidden",
        "ready",
    ]


def test_a_filter_leaves_the_lines_of_one_service_and_stays_in_view() -> None:
    text = io.StringIO()
    output = make(text)
    output.filter("rest", "only rest")
    output.line("sandbox", "stdout", "hidden")
    output.line("rest", "stdout", "shown")
    assert text.getvalue().endswith(f"{ERASE_LINE}rest    | shown\nonly rest")
    output.filter(None)
    output.line("sandbox", "stdout", "all")
    assert text.getvalue().endswith(f"{ERASE_LINE}sandbox | all\n")


def test_json_lines_hold_what_a_line_is_and_records_of_services_pass_as_they_are() -> None:
    text = io.StringIO()
    output = make(text, as_json=True)
    output.line("rest", "stderr", "Ünicode {")
    output.line("rest", "stderr", '{"message": "hello", "level": "info"}')
    output.state("rest", "ready", state="ready", pid=7)
    output.show("a table", message="ready", services={})
    assert [json.loads(line) for line in text.getvalue().splitlines()] == [
        {"time": 1.5, "service": "rest", "message": "Ünicode {", "stream": "stderr"},
        {"message": "hello", "level": "info"},
        {"time": 1.5, "service": "rest", "message": "ready", "state": "ready", "pid": 7},
        {"time": 1.5, "message": "ready", "services": {}},
    ]


def test_secrets_are_masked_everywhere(tmp_path: Path) -> None:
    text = io.StringIO()
    seen: list[Shown] = []

    def present(shown: Shown) -> list[str]:
        seen.append(shown)
        return [shown.text]

    output = make(text, redact=Redaction([SECRET, None, "", "short"]), log_dir=tmp_path, present=present)
    output.line("rest", "stdout", f"the token is {SECRET}, in short")
    failure = {"traceback": f"ValueError: {SECRET}"}
    output.line(
        "rest", "stderr", encode(Record(0.0, "error", "x", f"no {SECRET}", extras={"failure": failure}))
    )
    output.close()
    assert SECRET not in text.getvalue() + (tmp_path / "rest.log").read_text() + repr(seen)
    assert seen[-1].record is not None
    assert "the token is ***, in short" in text.getvalue()


def test_of_two_secrets_the_one_that_holds_the_other_is_masked_whole() -> None:
    assert Redaction(["secret", "secret-and-more"])("a secret-and-more") == "a ***"


def test_when_the_reader_is_gone_it_is_told_once_and_the_files_go_on(tmp_path: Path) -> None:
    calls: list[str] = []
    output = make(Broken(), log_dir=tmp_path)
    output.on_closed = lambda: calls.append("closed")
    output.line("rest", "stdout", "one")
    output.line("rest", "stdout", "two")
    output.close()
    assert calls == ["closed"]
    assert (tmp_path / "rest.log").read_text().splitlines()[1].endswith(" two")


def test_a_character_that_the_terminal_cannot_show_does_not_end_the_run() -> None:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="ascii") as file:
        Output(file, names=["a"], now=lambda: 0.0).line("a", "stdout", "größer")
        file.flush()
        assert raw.getvalue() == b"a   | gr\\xf6\\xdfer\n"


def test_a_log_file_starts_anew_when_full_and_keeps_a_few(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "x.log", max_bytes=10, keep=2)
    for number in range(5):
        log.write(f"line {number}")
    log.close()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "x.log": "line 4\n",
        "x.log.1": "line 3\n",
        "x.log.2": "line 2\n",
    }


def test_a_log_file_goes_on_after_a_restart(tmp_path: Path) -> None:
    for text in ("one", "two"):
        log = LogFile(tmp_path / "x.log")
        log.write(text)
        log.close()
    assert (tmp_path / "x.log").read_text() == "one\ntwo\n"


def test_logs_that_cannot_be_written_are_given_up_with_a_word(tmp_path: Path) -> None:
    text = io.StringIO()
    output = make(text, log_dir=tmp_path / "absent" / "logs")
    output.line("rest", "stdout", "one")
    output.line("rest", "stdout", "two")
    assert "rest    | cannot write logs to" in text.getvalue()
    assert text.getvalue().count("cannot write logs") == 1
    assert text.getvalue().endswith("rest    | two\n")


def test_the_last_words_are_those_of_the_last_process() -> None:
    output = make(io.StringIO())
    output.begin("rest")
    output.line("rest", "stderr", "of the first")
    output.begin("rest")
    output.line("rest", "stdout", "hello")
    assert output.last_errors("rest", 5) == ["hello"]
    output.line("rest", "stderr", "broken")
    output.line("rest", "stderr", "")
    assert output.last_errors("rest", 5) == ["broken"]
    assert output.last_errors("sandbox", 5) == []


async def test_a_follower_gets_the_last_lines_of_its_service_and_then_the_new_ones() -> None:
    output = make(io.StringIO())
    for number in range(3):
        output.line("rest", "stdout", f"old {number}")
        output.line("sandbox", "stdout", "other")
    lines = output.follow("rest", lines=2, onward=True)
    assert [(await anext(lines)).text for _ in range(2)] == ["old 1", "old 2"]
    output.line("sandbox", "stdout", "other")
    output.line("rest", "stdout", "new")
    async with asyncio.timeout(20):
        assert (await anext(lines)).text == "new"
    assert [line.text async for line in output.follow(None, lines=1, onward=False)] == ["new"]
    assert [line async for line in output.follow(None, lines=0, onward=False)] == []
