"""What is recorded of a handler that raised: the error in one line, and its place in the bot's code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nescord_core.tracing.handler_run import failed_run, within


class CommandInvokeError(Exception):
    """As discord.py wraps what a command raises."""


def test_the_place_is_the_innermost_line_of_the_bots_own_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    within.cache_clear()
    app = tmp_path / "bot_main" / "app.py"
    names: dict[str, object] = {"json": json}
    exec(compile("def handler():\n    return json.loads('{')\n", str(app), "exec"), names)
    with pytest.raises(json.JSONDecodeError) as raised:
        names["handler"]()  # type: ignore[operator]
    run = failed_run("handler", raised.value, place=f"{app}:1", ms=2.5)
    assert (run.place, run.ms) == ("bot_main/app.py:1", 2.5)
    assert run.error.startswith("JSONDecodeError: Expecting property name")
    assert run.error_place == "bot_main/app.py:2"
    within.cache_clear()


def test_an_error_that_a_library_has_wrapped_is_shown_itself() -> None:
    wrapped = CommandInvokeError("Command raised an exception")
    wrapped.__cause__ = KeyError("sides")
    assert failed_run("command roll", wrapped).error == "KeyError: 'sides'"
    assert failed_run("command roll", ValueError()).error == "ValueError"


def test_places_of_libraries_are_left_out() -> None:
    assert within(f"{json.__file__}:10") == ""
    assert within("<repr of a function>") == ""
