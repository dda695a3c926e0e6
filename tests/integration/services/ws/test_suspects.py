"""An event that kills whatever reads it: ws goes on without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.processes.commands import until
from support.system.system import System

DEADLY = """
import os, sys
if "nescord_core.services.ws.cluster_process" in " ".join(sys.orig_argv):
    from nescord_core.gateway.session import payload
    read_event = payload.read_event
    def deadly(text):
        if b"POISON" in text:
            os.kill(os.getpid(), 9)
        return read_event(text)
    payload.read_event = deadly
"""


@pytest.mark.bound("Events in ws: deaths of a cluster in a row that one event causes")
def test_an_event_that_kills_a_cluster_again_and_again_is_set_aside_unread(tmp_path: Path) -> None:
    (tmp_path / "patch").mkdir()
    (tmp_path / "patch" / "sitecustomize.py").write_text(DEADLY, encoding="utf-8")
    system = System(tmp_path / "bot")
    system.environ |= {"NESCORD_IDENTIFY_WINDOW": "0.2", "NESCORD_SANDBOX_IDENTIFY_WINDOW": "0.1"}
    try:
        system.start_sandbox()
        system.start("run", "main")
        ws = system.start("run", "ws", PYTHONPATH=str(tmp_path / "patch"))
        system.until_answers("ws", "/readyz")
        identified = system.gateway()["identifies"]
        with system.load(rate=50) as load:
            load.handled(more_than=10)
            system.say("POISON")
            until(lambda: "is not read again" in ws.output, "the event to be set aside")
            system.until_answers("ws", "/readyz")
            load.handled(more_than=load.handled() + 20)
            findings = load.check()
        assert findings.good, findings
        assert ws.process.poll() is None
        assert ws.output.count("died (process") == 3
        assert system.gateway()["identifies"] == identified
        assert "ws died while it was being read" in system.run("events", "failed", "--json").stdout
    finally:
        system.close()
