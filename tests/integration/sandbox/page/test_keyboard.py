"""The page by keyboard and by address: where typing goes, which keys move where, what a reload keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.sandbox.browser import Page, binary, browser
from support.sandbox.running import running_sandbox

pytestmark = pytest.mark.skipif(binary() is None, reason="there is no chromium on this machine")

CHANNEL = "document.querySelector('#channel-name').textContent"
FOCUS = "document.activeElement"
ALT, CTRL, SHIFT = 1, 2, 8


async def press(page: Page, key: str, code: int, modifiers: int = 0, text: str = "") -> None:
    written = {"text": text} if text else {}
    fields = {"key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
    await page.send("Input.dispatchKeyEvent", type="keyDown", **fields, **written)
    await page.send("Input.dispatchKeyEvent", type="keyUp", **fields)


async def test_keys_and_the_address(tmp_path: Path) -> None:
    async with running_sandbox(rate_limits=False) as sandbox, browser(tmp_path) as page:
        for number in range(5):
            await sandbox.post("/say", channel="general", user="alice", content=f"line {number}")
        await page.open(f"{sandbox.url}/")
        await page.until("document.querySelectorAll('#messages .message').length === 5")
        # Typing anywhere goes to the box.
        assert await page.evaluate(f"{FOCUS}.id") == "content"
        await page.evaluate("document.querySelector('#theme').focus()")
        await press(page, "h", 72, text="h")
        await press(page, "i", 73, text="i")
        assert await page.evaluate("document.querySelector('#content').value") == "hi"
        # The list is one stop: Tab leads to it, arrows move within it, Tab again to the row's controls.
        stops = "[...document.querySelectorAll('#messages :is(a, button, [tabindex])')]"
        assert await page.evaluate(f"{stops}.filter((each) => each.tabIndex >= 0).length") == 0
        await page.evaluate("document.querySelector('#messages').focus()")
        await page.press("ArrowUp", 38)
        await page.until(f"{FOCUS}.textContent.includes('line 4')")
        await page.press("ArrowUp", 38)
        await page.until(f"{FOCUS}.textContent.includes('line 3')")
        await page.press("Tab", 9)
        assert await page.evaluate(f"{FOCUS}.closest('.message').textContent.includes('line 3')")
        await page.press("Escape", 27)
        assert await page.evaluate(f"{FOCUS}.id") == "content"
        await page.evaluate("document.querySelector('#content').value = ''")
        # Alt with the arrows steps through the channels, Ctrl+K finds one.
        await press(page, "ArrowDown", 40, ALT)
        await page.until(f"{CHANNEL} === '# random'")
        await press(page, "ArrowUp", 38, ALT)
        await page.until(f"{CHANNEL} === '# general'")
        await press(page, "k", 75, CTRL)
        await page.until("document.querySelector('#modal').open")
        await page.type("rand")
        await page.until("document.querySelectorAll('.switcher li').length === 1")
        await page.press_enter()
        await page.until(f"{CHANNEL} === '# random' && !document.querySelector('#modal').open")
        # The address names channel and person: a reload keeps both, a step back goes back.
        await page.evaluate("document.querySelector('#user').value = 'bob'")
        await page.evaluate("document.querySelector('#user').dispatchEvent(new Event('change'))")
        assert (await page.evaluate("location.hash")).endswith("?as=bob")
        await page.send("Page.reload")
        await page.until(f"document.readyState === 'complete' && {CHANNEL} === '# random'")
        await page.until("document.querySelector('#user').value === 'bob'")
        await page.evaluate("history.back()")
        await page.until(f"{CHANNEL} === '# general'")
        await page.evaluate("location.hash = '#/Sandbox/random?as=alice'")
        await page.until(f"{CHANNEL} === '# random' && document.querySelector('#user').value === 'alice'")
        assert page.problems == []
