"""Controlling `nescord dev` from another terminal, and from a command that it runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

from support.processes.commands import until
from support.processes.phrases import RELOADED
from support.system.system import System

ASK = """
import json, os, sys, urllib.request as r
r.install_opener(r.build_opener(r.ProxyHandler({})))
SANDBOX = f"http://{os.environ['NESCORD_SANDBOX_LISTEN']}/sandbox"
def call(path, **body):
    asked = r.Request(SANDBOX + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    return json.load(r.urlopen(asked))
guild = json.load(r.urlopen(SANDBOX + "/state"))["guilds"][0]["id"]
said = call("/say", channel="general", guild=guild, user="alice", content="!ping")
print(call("/wait", channel=said["channel_id"], after=said["id"], timeout=30)["content"])
sys.exit(5)
"""


def test_a_command_talks_to_the_bot_and_its_exit_code_is_that_of_dev(
    new_system: Callable[[str], System],
) -> None:
    system = new_system("exec")
    script = system.directory / "ask.txt"  # a .py file would be watched
    script.write_text(ASK)
    dev = system.start("dev", "--exec", f"{sys.executable} {script}")
    assert dev.wait() == 5, dev
    assert "Pong v1" in dev.output
    assert not system.alive()
    assert not system.taken_ports(sandbox=True)


def test_status_reload_logs_and_stop(new_system: Callable[[str], System]) -> None:
    system = new_system("second")
    assert system.run("status").returncode == 1
    dev = system.start("dev")
    until((system.directory / ".nescord" / "control.sock").exists, "its control socket")
    status = system.run("status", "--json", "--wait")
    assert status.returncode == 0, status.stderr
    found = json.loads(status.stdout)
    assert set(found) == {"sandbox", "rest", "main", "ws"}
    assert {each["state"] for each in found.values()} == {"ready"}
    assert {each["pid"] for each in found.values()} < set(system.alive())
    assert found["sandbox"]["address"] == f"127.0.0.1:{system.ports['sandbox']}"

    worker = system.stats("main")["workers"][0]["pid"]
    reloaded = system.run("reload")
    assert reloaded.returncode == 0, reloaded.stderr
    assert RELOADED in reloaded.stdout
    assert system.stats("main")["workers"][0]["pid"] != worker
    assert system.pid_of("main") == found["main"]["pid"]

    system.break_app()
    until(lambda: system.stats("main")["reloads"]["refused"] == 1, "the broken code refused")
    refused = system.run("reload")
    assert refused.returncode == 1
    assert "app.py:1" in refused.stderr
    assert "Still serving build #" in refused.stderr
    assert system.ask("!ping") == "Pong v1"

    logs = system.run("logs", "main")
    assert logs.returncode == 0
    assert RELOADED in logs.stdout
    assert "def broken(:" in logs.stdout
    assert {line.split()[0] for line in logs.stdout.splitlines()} == {"main"}

    stopped = system.run("stop")
    assert stopped.returncode == 0, stopped.stderr
    assert dev.wait() == 0, dev
    assert not system.alive()
    assert system.run("stop").returncode == 1
