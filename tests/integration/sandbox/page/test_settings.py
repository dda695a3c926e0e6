"""Channels, roles, permissions and moderation on the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.sandbox.browser import Page, binary, browser
from support.sandbox.running import running_sandbox

pytestmark = pytest.mark.skipif(binary() is None, reason="there is no chromium on this machine")


async def choose(page: Page, opener: str, entry: str) -> None:
    """Open a menu and choose one of its entries."""
    await page.click(opener)
    await pick(page, entry)


async def pick(page: Page, entry: str) -> None:
    found = f"[...document.querySelectorAll('#context button')].find((e) => e.textContent === {entry!r})"
    await page.until(f"!document.querySelector('#context').hidden && {found}")
    await page.evaluate(f"{found}.click()")


async def fill(page: Page, *values: str | bool) -> None:
    """Fill the fields of the open dialog, in their order, and submit it."""
    await page.until("document.querySelector('#modal').open")
    fields = "[...document.querySelectorAll('#modal :is(input, select)')]"
    for number, value in enumerate(values):
        name = "checked" if isinstance(value, bool) else "value"
        await page.evaluate(f"{fields}[{number}].{name} = {json.dumps(value)}")
        await page.evaluate(f"{fields}[{number}].dispatchEvent(new Event('change'))")
    await page.click("#modal .s1")
    await page.until("!document.querySelector('#modal').open")


async def test_a_guild_is_arranged_and_moderated(tmp_path: Path) -> None:
    async with running_sandbox(rate_limits=False) as sandbox, browser(tmp_path) as page:

        async def guild() -> Any:
            return (await sandbox.get("/state"))["guilds"][0]

        await page.open(f"{sandbox.url}/")
        await page.until("document.querySelector('#channel-name').textContent === '# general'")
        await choose(page, "#guild-name", "New channel")
        await fill(page, "plans", "text")
        await page.until("document.querySelector('#channel-name').textContent === '# plans'")
        menu = "document.querySelector('#channels [aria-current=true]')"
        await page.evaluate(f"{menu}.dispatchEvent(new MouseEvent('contextmenu', {{ bubbles: true }}))")
        await pick(page, "Edit channel")
        await fill(page, "ideas", "What we think of", "5")
        await page.until("document.querySelector('#topic').textContent === 'What we think of'")
        await page.evaluate(f"{menu}.dispatchEvent(new MouseEvent('contextmenu', {{ bubbles: true }}))")
        await pick(page, "Permissions")
        bob = next(
            each["user"]["id"] for each in (await guild())["members"] if each["user"]["username"] == "bob"
        )
        # The fields are the target, then View channels and Send messages.
        await fill(page, bob, "", "deny")
        changed = "document.querySelector('#channels').textContent.includes('ideas')"
        await page.until(changed)
        ideas = next(each for each in (await guild())["channels"] if each["name"] == "ideas")
        assert ideas["permission_overwrites"] == [{"id": bob, "type": 1, "allow": "0", "deny": str(1 << 11)}]
        await choose(page, "#guild-name", "New role")
        await fill(page, "helper", "#ff0000", True)
        await page.until("!document.querySelector('#modal').open")
        helper = next(each for each in (await guild())["roles"] if each["name"] == "helper")
        assert (helper["color"], helper["hoist"]) == (0xFF0000, True)

        row = "[...document.querySelectorAll('#people button')].find((e) => e.textContent.startsWith('bob'))"
        await page.evaluate(f"{row}.click()")
        await pick(page, "Time out for 1 minute")
        await page.until(f"{row}.textContent.includes('timed out')")
        await page.evaluate(f"{row}.click()")
        await pick(page, "End the time-out")
        await page.until(f"!{row}.textContent.includes('timed out')")
        await page.evaluate(f"{row}.click()")
        await pick(page, "Ban")
        await page.until(f"!{row}")
        assert (await guild())["bans"] == [bob]
        await choose(page, "#guild-name", "Bans")
        await fill(page, bob)
        await page.evaluate(f"{menu}.dispatchEvent(new MouseEvent('contextmenu', {{ bubbles: true }}))")
        await pick(page, "Delete channel")
        await page.until("document.querySelector('#channel-name').textContent === '# general'")
        assert (await guild())["bans"] == []
        assert page.problems == []
