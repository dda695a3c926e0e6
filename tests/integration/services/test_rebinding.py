"""A web page whose name is rebound to this machine gets nothing from rest, the admin ports or the sandbox.

Its owner served the page from the product's port, then pointed the name to 127.0.0.1: to the browser, the
product is the page's own origin.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from nescord_core.services.control.admin_port import Admin, serve_admin
from nescord_core.settings import SecuritySettings
from support.rest.running_proxy import running_proxy
from support.sandbox.browser import REBOUND, Page, binary, browser
from support.sandbox.running import running_sandbox

pytestmark = pytest.mark.skipif(binary() is None, reason="there is no chromium on this machine")

FETCH = """
(async () => {
  const answers = [];
  for (const [method, path] of %s) {
    const answer = await fetch(path, {method, body: method === "POST" ? "{}" : undefined});
    answers.push([method, path, answer.status, await answer.text()]);
  }
  return JSON.stringify(answers);
})()
"""
WEBSOCKET = """
new Promise((done) => {
  const socket = new WebSocket(`ws://${location.host}%s`);
  socket.onopen = () => done("open");
  socket.onerror = () => done("refused");
})
"""


async def statuses(page: Page, address: str, requests: list[tuple[str, str]]) -> set[int]:
    """Open the rebound page on this address, and return the statuses of its requests to its own origin."""
    port = address.rpartition(":")[2]
    await page.open(f"http://{REBOUND}:{port}/healthz")
    await page.until(f"location.port === '{port}' && document.readyState === 'complete'")
    answers = json.loads(await page.evaluate(FETCH % json.dumps(requests)))
    assert [each[:2] for each in answers] == [list(each) for each in requests]
    return {status for _, _, status, _ in answers}


async def test_a_rebound_page_gets_nothing(tmp_path: Path) -> None:
    done: list[str] = []

    async def stats() -> Mapping[str, Any]:
        return {"depth": 1}

    async def reload() -> Mapping[str, Any]:
        done.append("reload")
        return {}

    shown = Admin("main", list, list, stats, lambda: b"depth 1\n", {"reload": reload})
    admin = serve_admin(shown, "127.0.0.1", 0, key="main.admin", security=SecuritySettings())
    async with (
        running_proxy(tmp_path / "rest") as proxy,
        admin as admin_address,
        running_sandbox() as sandbox,
        browser(tmp_path / "chromium") as page,
    ):
        requests = [("GET", "/users/@me"), ("POST", "/channels/5/messages"), ("DELETE", "/channels/5")]
        requests += [("GET", "/metrics"), ("GET", "/healthz"), ("GET", "/api/v10/users/@me")]
        assert await statuses(page, proxy.address, requests) == {403}
        assert proxy.discord.seen == []

        requests = [("GET", "/stats"), ("GET", "/metrics"), ("GET", "/healthz"), ("POST", "/reload")]
        assert await statuses(page, admin_address, requests) == {403}
        assert done == []

        requests = [
            ("GET", "/sandbox/state"),
            ("POST", "/sandbox/say"),
            ("GET", "/"),
            ("GET", "/api/v10/gateway"),
        ]
        assert await statuses(page, sandbox.address, requests) == {403}
        for path in ("/gateway?v=10&encoding=json", "/sandbox/events"):
            assert await page.evaluate(WEBSOCKET % path) == "refused"

        # The same page on a name of this machine is let in: it is the name that is refused.
        await page.open(f"{sandbox.url}/")
        await page.until("location.hostname === '127.0.0.1' && document.readyState === 'complete'")
        assert "200" in await page.evaluate("fetch('/sandbox/state').then((answer) => String(answer.status))")
