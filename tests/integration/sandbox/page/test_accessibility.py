"""axe-core finds nothing wrong with the page: wide and narrow, dark and light, with all that it can show."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from support.sandbox.browser import Page, binary, browser
from support.sandbox.running import RunningSandbox, rest_ok, running_sandbox
from support.sandbox.running_rest import PNG
from support.stock.node import installed

pytestmark = pytest.mark.skipif(binary() is None, reason="there is no chromium on this machine")

AXE = Path(__file__).parent / "axe"
RUN = """
axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.flatMap(
  ({ id, nodes }) => nodes.map(({ target, any, failureSummary }) => (
    `${id}: ${target} ${any[0]?.message ?? failureSummary}`))))
"""
CONTENT = "# Title\n-# small\n> quote\n- item\n`code` <t:1700000000:R> ||spoiler|| @everyone\n"
CONTENT += '```py\nimport os  # x\nos.open("a", 1)\n```'


async def fill(sandbox: RunningSandbox) -> None:
    said = await sandbox.post("/say", channel="general", user="alice", content=CONTENT)
    channel = said["channel_id"]
    picture = [["a.png", base64.b64encode(PNG).decode()]]
    await sandbox.post("/say", channel="general", user="bob", content="look", files=picture)
    await sandbox.post("/react", channel="general", message=said["id"], user="bob", emoji="👍")
    await sandbox.post("/thread", channel="general", user="bob", name="Planning", message=said["id"])
    options = [{"label": each, "value": each} for each in "ab"]
    rows = [
        {"type": 1, "components": [{"type": 3, "custom_id": "s", "options": options}]},
        {
            "type": 1,
            "components": [
                {"type": 2, "style": style, "label": "Go", "custom_id": f"b{style}"} for style in (1, 2, 3, 4)
            ],
        },
    ]
    embed: dict[str, Any] = {
        "title": "T",
        "description": "D",
        "footer": {"text": "F"},
        "author": {"name": "A"},
    }
    embed["fields"] = [{"name": "N", "value": "V"}]
    path = f"/channels/{channel}/messages"
    await rest_ok(sandbox, "POST", path, {"content": "menu", "components": rows, "embeds": [embed]})
    answers = [{"poll_media": {"text": each}} for each in ("Tea", "Coffee")]
    poll = {"question": {"text": "Which?"}, "answers": answers, "duration": 1}
    await rest_ok(sandbox, "POST", path, {"poll": poll})


async def found(page: Page, source: str) -> list[str]:
    await page.evaluate(source)
    problems: list[str] = await page.evaluate(RUN)
    return problems


async def test_axe_finds_nothing(tmp_path: Path) -> None:
    source = (installed(AXE) / "axe-core" / "axe.min.js").read_text()
    source = f"{source}; 'done'"
    async with running_sandbox(rate_limits=False) as sandbox, browser(tmp_path) as page:
        await fill(sandbox)
        await page.open(f"{sandbox.url}/")
        await page.until("document.querySelectorAll('.poll').length === 1")
        await page.until("document.querySelector('.hl-keyword')")
        await page.click("#messages .row .s1")
        await page.until("document.querySelector('.interaction.failed')")
        problems: dict[str, list[str]] = {}
        for width, name in ((1280, "wide"), (390, "narrow")):
            await page.send(
                "Emulation.setDeviceMetricsOverride",
                width=width,
                height=844,
                deviceScaleFactor=1,
                mobile=False,
            )
            for theme in ("dark", "light"):
                await page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
                problems[f"{name} {theme}"] = await found(page, source)
        await page.send("Emulation.clearDeviceMetricsOverride")
        for theme in ("light", "dark"):
            await page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
            await page.evaluate("document.querySelector('.opener').click()")
            problems[f"menu {theme}"] = await found(page, source)
            await page.press("Escape", 27)
            await page.evaluate("document.querySelector('.tools button:nth-child(2)').click()")
            problems[f"emoji {theme}"] = await found(page, source)
            await page.press("Escape", 27)
        await page.click("#show-inspector")
        for tab in ("Trace", "Events", "REST", "Gateway", "Faults"):
            await page.click(f"#tab-{tab}")
            await page.until("document.querySelector('#panel').children.length")
            problems[tab] = await found(page, source)
        assert {place: each for place, each in problems.items() if each} == {}
