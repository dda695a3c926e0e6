"""A service for supervisor tests: a real process whose behaviour its JSON argument defines.

All services of a test write their events to one shared journal, in order.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from nescord_core.supervisor import parent_death


def run(orders: dict[str, Any]) -> int:
    name = orders["name"]

    def journal(what: str) -> None:
        with Path(orders["journal"]).open("a", encoding="utf-8") as file:
            file.write(f"{name} {what}\n")

    parent_death.install()
    asked = threading.Event()
    signal.signal(signal.SIGTERM, signal.SIG_IGN if orders.get("deaf") else lambda *_: asked.set())
    journal("start")
    for stream, text in orders.get("says", []):
        with os.fdopen(1 if stream == "stdout" else 2, "wb", closefd=False) as file:
            file.write(text.encode("latin-1") * orders.get("times", 1))
    if orders.get("child"):
        deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
        subprocess.Popen([sys.executable, "-c", deaf])
    if "exits" in orders:
        time.sleep(orders.get("after", 0))
        return int(orders["exits"])
    if "port" in orders:
        _serve(orders, journal)
    while not asked.wait(0.02):
        pass
    journal("stop")
    time.sleep(orders.get("lingers", 0))
    journal("end")
    return 0


def _serve(orders: dict[str, Any], journal: Any) -> None:
    ready_at = time.monotonic() + orders.get("ready_after", 0.0)

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            good = time.monotonic() >= ready_at and not orders.get("never_ready")
            if good and not self.server.__dict__.setdefault("told", False):
                self.server.__dict__["told"] = True
                journal("ready")
            self.send_response(200 if good else 503)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", orders["port"]), Answers)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()


if __name__ == "__main__":
    sys.exit(run(json.loads(sys.argv[1])))
