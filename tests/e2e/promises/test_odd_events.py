"""Odd events among 200 a second: ws and main live, the others arrive in order, the odd ones are shown."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

from support.processes.commands import until
from support.system.system import System

DEEP = "[" * 3000 + "]" * 3000
ODD_EVENTS: list[tuple[str, str]] = [
    ("MESSAGE_CREATE", "{}"),
    ("MESSAGE_CREATE", "null"),
    ("MESSAGE_CREATE", "[1,2]"),
    ("MESSAGE_CREATE", '{"guild_id":"-5","channel_id":-5,"id":{}}'),
    ("MESSAGE_CREATE", '{"guild_id":"18446744073709551617","content":5,"author":[]}'),
    ("GUILD_CREATE", '{"id":"x","members":5}'),
    ("GUILD_CREATE", '{"id":"99","members":[null,{}],"roles":[[]],"channels":{}}'),
    ("GUILD_MEMBER_ADD", '{"guild_id":"99","user":null}'),
    ("GUILD_ROLE_DELETE", '{"guild_id":["99"]}'),
    ("CHANNEL_UPDATE", '{"id":1e400}'),
    ("THREAD_LIST_SYNC", '{"guild_id":"99","threads":"none"}'),
    ("GUILD_EMOJIS_UPDATE", '{"guild_id":"99","emojis":{"a":1}}'),
    ("USER_UPDATE", '{"id":null}'),
    ("SOMETHING_NEW", '{"guild_id":"99"}'),
]
SET_ASIDE: list[tuple[str, str]] = [
    ("PRESENCE_UPDATE", f'{{"guild_id":"99","x":{DEEP}}}'),
    ("TYPING_START", '{"guild_id":"99","x":'),
]
"""Events that cannot be carried: one is nested too deep, the other is no JSON and ends its frame early."""


def failed(system: System) -> list[dict[str, Any]]:
    done = system.run("events", "failed", "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def types_set_aside(system: System) -> set[str]:
    return {each["type"] for each in failed(system) if each["kind"] == "set aside"}


def test_odd_events_among_good_ones(system: System) -> None:
    system.write_app("odd", "ordered")
    until(lambda: system.ask("!ping") == "Pong odd", "the recording bot")
    pids = {name: system.pid_of(name) for name in ("ws", "main")}
    with system.load() as load:
        for event, data in [*ODD_EVENTS, *SET_ASIDE]:
            load.handled(more_than=load.handled() + 20)
            fault = {"do": "event", "type": event, "data": data}
            assert system.sandbox("POST", "/fault", {"connections": fault})["connections"] == 1
        load.handled(more_than=load.handled() + 100)
        findings = load.check()
    assert findings.good, findings
    assert findings.again == 0
    assert {name: system.pid_of(name) for name in pids} == pids, "a service ended"
    expected = {event for event, _ in SET_ASIDE}
    until(lambda: types_set_aside(system) >= expected, f"{expected} among the failed events")
    assert system.stats("ws")["clusters"], "ws reports its clusters"

    os.kill(pids["ws"], signal.SIGKILL)
    until(lambda: system.pid_of("ws") != pids["ws"], "a new ws")
    system.until_ready()
    assert types_set_aside(system) >= expected
    assert system.ask("!ping") == "Pong odd"
