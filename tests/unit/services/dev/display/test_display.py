"""What `nescord dev` shows in a terminal: which lines, and how they look."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any

from nescord_core.process.log_records import Record
from nescord_core.services.dev.display.keys import filter_line, key_lines, services_by_key
from nescord_core.services.dev.display.lines import LineStyle, render
from nescord_core.services.dev.display.selection import Selection
from nescord_core.services.dev.display.start import StartFacts, address_lines, ready_lines, stopped_line
from nescord_core.supervisor.output import Shown
from nescord_core.terminal.look import PLAIN, Look
from nescord_core.tracing.names import Names

NAMES = ("sandbox", "rest", "main", "ws", "dev")
PROJECT = PurePath("/home/me/bot")
COLOURED = Look(width=80, colour=True)
ESCAPE = re.compile(r"\x1b\[[\d;]*m")


def record(message: str, level: str = "info", logger: str = "nescord.ws", **extras: Any) -> Record:
    return Record(0.0, level, logger, message, extras=extras)


def shown(what: Record | str, service: str = "ws", stream: str = "stderr", **fields: Any) -> Shown:
    if isinstance(what, Record):
        return Shown(0.0, service, stream, what.message, what)
    return Shown(0.0, service, stream, what, fields=fields)


def state(service: str, name: str, reason: str = "") -> Shown:
    return shown(name, service, "state", state=name, **({"reason": reason} if reason else {}))


def plain(lines: list[str]) -> list[str]:
    return [ESCAPE.sub("", line) for line in lines]


def quiet() -> Selection:
    return Selection(own="dev", verbose=False)


# ---------------------------------------------------------------- which lines


def chosen(selection: Selection, *entries: Shown) -> list[str]:
    return [each.text for entry in entries for each in selection.choose(entry)]


def test_quiet_shows_the_bot_and_what_went_wrong() -> None:
    entries = [
        state("ws", "starting"),
        state("ws", "ready"),
        shown(record("IDENTIFY sent")),
        shown(record("heed this", "warning")),
        shown("printed", "main", "stdout"),
        shown(record("of the bot", logger="mybot"), "main"),
        shown(record("debug of the bot", "debug", "mybot"), "main"),
        shown(record("not watched: dist/", logger="nescord.main"), "main"),
        shown(record("worker serves", "debug", "nescord.main"), "main"),
        shown("The sandbox's token", "sandbox", "stdout"),
        shown("events on", "dev", "state"),
        state("ws", "stopping"),
        state("ws", "stopped"),
    ]
    assert chosen(quiet(), *entries) == [
        "heed this",
        "printed",
        "of the bot",
        "not watched: dist/",
        "events on",
    ]
    assert len(chosen(Selection(own="dev", verbose=True), *entries)) == len(entries)


def test_a_service_in_trouble_is_shown_until_it_is_ready_again() -> None:
    entries = [
        shown("Traceback", "rest"),
        state("rest", "backoff", "exited with code 1; restarting in 0.5 s"),
        state("rest", "starting"),
        state("rest", "ready"),
        state("rest", "ready"),
    ]
    assert chosen(quiet(), *entries) == ["Traceback", "backoff", "ready"]


def test_the_error_that_ends_a_run_is_left_to_the_run() -> None:
    entries = [shown("Error: no", "ws"), state("ws", "failed", "exited with code 2")]
    assert chosen(quiet(), *entries) == []


def test_nothing_is_said_of_a_missing_main_while_it_starts_or_is_broken() -> None:
    missing = shown(record("main is not available", "warning", "nescord_core.dispatch.sender.replica.link"))
    selection = quiet()
    broken = shown(record("SyntaxError", "error", reload={"ok": False}), "main")
    assert chosen(selection, missing, broken, missing, state("main", "unhealthy", "x")) == ["SyntaxError"]
    selection = quiet()
    assert chosen(selection, state("main", "ready"), missing) == ["main is not available"]


def test_the_service_that_is_asked_for_is_shown_whole() -> None:
    selection = quiet()
    selection.focus = "ws"
    assert chosen(selection, shown(record("IDENTIFY sent")), state("ws", "stopping")) == [
        "IDENTIFY sent",
        "stopping",
    ]


# ---------------------------------------------------------------- how they look


def rendered(what: Shown, look: Look = COLOURED, **style: Any) -> list[str]:
    return render(what, LineStyle(NAMES, PROJECT, **style), look)


def test_a_pipe_gets_lines_as_they_are() -> None:
    text = "word " * 40
    assert rendered(shown(text, "main", "stdout"), PLAIN) == [f"main    | {text}"]
    (line,) = rendered(shown(record("heed this", "warning")), PLAIN)
    assert re.fullmatch(r"ws      \| \d\d:\d\d:\d\d WARNING heed this", line)


def test_levels_have_their_colours() -> None:
    assert "\x1b[1;31mERROR\x1b[0m \x1b[31mno\x1b[0m" in rendered(shown(record("no", "error")))[0]
    assert "\x1b[1;33mWARNING\x1b[0m \x1b[33mno\x1b[0m" in rendered(shown(record("no", "warning")))[0]


def test_long_lines_hang_below_their_text() -> None:
    first, second, *_ = plain(rendered(shown(record("word " * 40)), times=True))
    assert len(first) <= 80
    assert second.startswith(" " * len("sandbox | 00:00:00 ") + "word")


def test_a_reload_has_a_green_tick() -> None:
    text = record("reloaded in 17 ms  bot_main/app.py", reload={"ok": True})
    (line,) = rendered(shown(text, "main"))
    assert "\x1b[32m✓\x1b[0m reloaded in 17 ms" in line
    assert "ok reloaded in 17 ms" in rendered(shown(text, "main"), Look(unicode=False))[0]


def test_the_failing_line_of_an_excerpt_is_red_and_its_neighbours_are_not() -> None:
    text = "app.py:2: SyntaxError: no\n     1 | x\n>    2 | def broken(:\n       |            ^\n     3 | y"
    lines = rendered(shown(record(text, "error", "nescord.main"), "main"))
    assert [("\x1b[31m" in line) for line in lines] == [True, False, True, True, False]


def test_a_failed_handler_is_told_by_place_and_text_and_with_identity_when_verbose() -> None:
    names = Names()
    names.learn_guild(
        {"id": "5", "name": "Home", "channels": [{"id": "123456789012345678", "name": "general"}]}
    )
    failure = {
        "handler": "on_message",
        "type": "MESSAGE_CREATE",
        "guild_id": 5,
        "channel_id": 123456789012345678,
        "quote": "alice: !error",
        "traceback": (
            f'Traceback:\n  File "{PROJECT}/app.py", line 3, in on_message\n'
            "x.BadRequest: POST /channels/123456789012345678/messages: 400"
        ),
    }
    full = record(
        "on_message (app.py:3) failed on MESSAGE_CREATE of shard 0, seq 7", "error", failure=failure
    )
    lines = plain(rendered(shown(full, "main"), Look(colour=True), verbose=False, places=names))
    assert lines[0].endswith("ERROR on_message failed · #general · alice: !error")
    assert '  File "app.py", line 3, in on_message' in lines[2]
    assert lines[3].endswith("POST /channels/#general/messages: 400")
    assert "of shard 0, seq 7" in rendered(shown(full, "main"), PLAIN, verbose=True)[0]


def test_text_from_elsewhere_cannot_steer_the_terminal() -> None:
    lines = rendered(shown(record("a\x1b[2Jb\x07", "error")), PLAIN)
    assert lines[0].endswith("ERROR a\\x1b[2Jb\\x07")


# ---------------------------------------------------------------- start, keys, end


def test_the_address_comes_first_and_stands_out() -> None:
    facts = StartFacts("1.2", "/home/me/bot", "bot_main/app.py", page="http://127.0.0.1:7400/", keys=True)
    lines = address_lines(facts, Look(width=80, colour=True, links=True))
    assert "\x1b]8;;http://127.0.0.1:7400/\x1b\\\x1b[1;4mhttp://127.0.0.1:7400/" in lines[-1]
    assert plain(address_lines(facts, COLOURED)) == [
        "",
        "  nescord 1.2  /home/me/bot",
        "",
        "  ➜  Page    http://127.0.0.1:7400/",
    ]
    assert plain(ready_lines(facts, "message_create", 1.14, COLOURED)) == [
        "  ➜  Bot     bot_main/app.py  message_create",
        "",
        "  Ready in 1.1 s. ^C stops everything, h shows the keys.",
        "",
    ]


def test_the_real_discord_is_named_in_yellow() -> None:
    facts = StartFacts("1", "/b", "bot.py", discord="Using the real Discord as Bot (token: .env)", warns=True)
    (line,) = [line for line in address_lines(facts, COLOURED) if "Discord" in line]
    assert "\x1b[1;33mUsing the real Discord" in line


def test_keys_have_a_line_each() -> None:
    lines = plain(key_lines(["rest", "main"], COLOURED))
    assert "  r  reload the bot's code" in lines
    assert "  2  only main, with all of its lines" in lines
    assert services_by_key(["rest", "main"]) == {"1": "rest", "2": "main"}
    assert len(filter_line("main", Look(width=20))) < 20


def test_a_stop_is_one_line() -> None:
    assert stopped_line(0.42) == "stopped in 0.4 s"
