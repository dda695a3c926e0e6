"""The services export every metric that the dashboard of `nescord generate grafana` uses."""

from __future__ import annotations

import json
import re

from nescord_core import config
from nescord_core.services.project.deployment import generate
from support.processes.commands import fetch
from support.system.system import System


def test_every_metric_of_the_dashboard_exists(system: System) -> None:
    exported: set[str] = set()
    for service in ("rest", "main_admin", "ws"):
        status, text = fetch("GET", f"http://127.0.0.1:{system.ports[service]}/metrics")
        assert status == 200
        for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE):
            exported |= (
                {f"{name}_{part}" for part in ("bucket", "sum", "count")} if kind == "histogram" else {name}
            )
    dashboard = json.loads(generate(config.load(system.directory), "grafana")["dashboard.json"])
    asked = {
        name
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in re.findall(r"\bnescord_\w+", target["expr"])
    }
    assert len(asked) > 20
    assert asked - exported == set()
