"""Log lines, plain or JSON, with secrets masked."""

from __future__ import annotations

import asyncio
import json
import logging
import queue
import sys
from collections.abc import Iterator
from logging.handlers import QueueHandler
from urllib.parse import quote

import pytest
from aiohttp.http_exceptions import BadHttpMessage

from nescord_core.envelope import Envelope
from nescord_core.payloads import payload_of
from nescord_core.process import logs
from nescord_core.tracing.current_event import handled

SECRET = "the-token.of-the-bot"


@pytest.fixture(autouse=True)
def root() -> Iterator[logging.Logger]:
    """The root logger, restored after the test."""
    root = logging.getLogger()
    handlers, level, factory = root.handlers[:], root.level, logging.getLogRecordFactory()
    yield root
    root.handlers[:], root.level = handlers, level
    logging.setLogRecordFactory(factory)
    logging.getLogger("aiohttp.server").filters.clear()


def fail_with(error: Exception, logger: str) -> None:
    try:
        raise error
    except type(error):
        logging.getLogger(logger).exception("it failed with %s", SECRET)


@pytest.mark.parametrize("as_json", ["0", "1"])
def test_secrets_are_masked_everywhere(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, as_json: str
) -> None:
    monkeypatch.setenv(logs.JSON_LINES, as_json)
    logs.configure("ws", secrets=(SECRET, None, ""))
    logging.getLogger("x").warning("the token %s", SECRET, extra={"more": {"token": SECRET}})
    fail_with(ValueError(f"bad {SECRET}"), "x")
    shown = capsys.readouterr().err
    assert SECRET not in shown
    assert "***" in shown
    assert "ValueError: bad ***" in shown


def test_json_lines_are_one_object_each(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(logs.JSON_LINES, "1")
    logs.configure("ws")
    logging.getLogger("a.b").info("two\nlines", extra={"shard": 3})
    (line,) = capsys.readouterr().err.splitlines()
    entry = json.loads(line)
    assert (entry["service"], entry["logger"], entry["level"]) == ("ws", "a.b", "info")
    assert (entry["message"], entry["shard"]) == ("two\nlines", 3)


def test_debug_lines_come_only_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    for debug in (False, True):
        logs.configure("ws", debug=debug)
        logging.getLogger("nescord").debug("detail")
        assert ("detail" in capsys.readouterr().err) is debug


def test_what_is_no_http_leaves_no_traceback_but_a_defect_does(capsys: pytest.CaptureFixture[str]) -> None:
    """aiohttp logs both under one name; the first quotes whatever a peer sends."""
    logs.configure("rest")
    fail_with(BadHttpMessage("garbage"), "aiohttp.server")
    assert capsys.readouterr().err == ""
    fail_with(KeyError("defect"), "aiohttp.server")
    assert "KeyError: 'defect'" in capsys.readouterr().err
    assert sys.stderr is not None


@pytest.mark.parametrize("as_json", ["0", "1"])
@pytest.mark.parametrize("secret", ['quo"ted\\secret', "gehäuse-schlüssel", "日本語の秘密", "tab\tsecret"])
def test_secrets_are_masked_as_json_and_reprs_spell_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, as_json: str, secret: str
) -> None:
    monkeypatch.setenv(logs.JSON_LINES, as_json)
    logs.configure("ws", secrets=(secret,))
    log = logging.getLogger("test")
    log.error("%s", secret, extra={"also": secret})
    log.error("%r and %s", secret, json.dumps({"secret": secret}))
    log.error("%s", quote(secret))
    shown = capsys.readouterr().err
    for spelling in (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], quote(secret)):
        assert spelling not in shown
    assert shown.count("***") >= 4


def test_nothing_from_elsewhere_steers_the_terminal_or_forges_a_record(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("ws")
    hostile = "bye\x1b[2J\x1b]0;title\x07\r\x9b31m\u202e\n12:00:00 ERROR the token was sent to evil.example"
    try:
        raise ValueError(hostile)
    except ValueError:
        logging.getLogger("test").exception("closed: %s\n  our own second line", hostile)
    shown = capsys.readouterr().err
    assert not set(shown) & set("\x1b\x07\r\x9b\u202e")
    assert "\\x1b[2J" in shown
    assert "\n  our own second line\n" in shown
    records = [line for line in shown.splitlines() if line[:2].isdigit()]
    assert len(records) == 1, "a line looks like a record of its own"


async def test_records_of_a_handler_carry_its_event_wherever_they_are_made_and_formatted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(logs.JSON_LINES, "1")
    logs.configure("main")
    output = logging.getLogger().handlers[0]
    records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    logging.getLogger().handlers[:] = [QueueHandler(records)]
    mine = logging.getLogger("mybot")

    async def handler() -> None:
        handled.set(payload_of(Envelope(2, "s", 7, "MESSAGE_CREATE", 5, 1 << 60, b"{}", 1.0), 2.0))
        mine.warning("in the handler", extra={"seq": "mine", "shard_count": 4})
        await asyncio.create_task(logged("in its task"))
        await asyncio.to_thread(mine.warning, "in its thread")

    async def logged(text: str) -> None:
        mine.warning(text)

    await asyncio.create_task(handler())
    mine.warning("elsewhere")
    while not records.empty():
        output.handle(records.get())
    first, task, thread, elsewhere = map(json.loads, capsys.readouterr().err.splitlines())
    identity = {"event": "MESSAGE_CREATE", "shard": 2, "session": "s", "seq": 7, "guild": str(1 << 60)}
    assert identity.items() <= task.items()
    assert identity.items() <= thread.items()
    assert (first["seq"], first["shard"], first["shard_count"]) == ("mine", 2, 4)
    assert not identity.keys() & elsewhere.keys()
    assert "nescord_event" not in first


def test_configuring_twice_notes_events_once(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("main")
    made = logging.getLogRecordFactory()
    logs.configure("main")
    assert logging.getLogRecordFactory() is made
