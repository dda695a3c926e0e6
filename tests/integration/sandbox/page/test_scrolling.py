"""Where the list of messages stands: at its end while the reader is there, else where the reader left it."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.sandbox.browser import Page, binary, browser
from support.sandbox.running import RunningSandbox, rest_ok, running_sandbox

pytestmark = pytest.mark.skipif(binary() is None, reason="there is no chromium on this machine")

GAP = "(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight)"
GAP += "(document.querySelector('#scroller'))"
TOP = "document.querySelector('#scroller').scrollTop"
NEWER = "document.querySelector('#newer')"
LAST = "[...document.querySelectorAll('#messages .message')].at(-1)?.textContent"
PICTURE = """
(() => {
  const canvas = document.createElement('canvas'); canvas.width = 300; canvas.height = 200;
  canvas.getContext('2d').fillRect(0, 0, 300, 200);
  return canvas.toDataURL('image/png').split(',')[1];
})()
"""


async def send(sandbox: RunningSandbox, channel: str, content: str) -> None:
    await rest_ok(sandbox, "POST", f"/channels/{channel}/messages", {"content": content})


async def write(page: Page, text: str) -> None:
    await page.evaluate("document.querySelector('#content').focus()")
    await page.type(text)
    await page.press_enter()


async def test_the_end_is_followed_and_history_is_left_alone(tmp_path: Path) -> None:
    async with running_sandbox(rate_limits=False) as sandbox, browser(tmp_path) as page:
        for number in range(60):
            said = await sandbox.post("/say", channel="general", user="alice", content=f"line {number}")
        channel = said["channel_id"]
        await page.open(f"{sandbox.url}/")
        await page.until(f"{LAST}?.includes('line 59') && {GAP} < 2")
        # Pictures that load, answers below, and a smaller list do not lose the end.
        picture = await page.evaluate(PICTURE)
        for number in range(3):
            files = [[f"{number}.png", picture]]
            await sandbox.post("/say", channel="general", user="bob", content=f"see {number}", files=files)
            await send(sandbox, channel, f"answer {number}")
        loaded = "[...document.querySelectorAll('#messages img')].filter((e) => e.complete).length === 3"
        await page.until(f"{LAST}.includes('answer 2') && {loaded} && {GAP} < 2")
        await page.click("#show-inspector")
        await page.until(f"!document.querySelector('#inspector').hidden && {GAP} < 2")
        # Whoever reads history stays there, whatever happens below or around.
        await page.evaluate("document.querySelector('#scroller').scrollTop = 300")
        await page.until(f"!{NEWER}.hidden && {TOP} === 300")
        await sandbox.post("/react", channel="general", message=said["id"], user="bob", emoji="👍")
        await page.until("document.querySelector('.reactions button')")
        await sandbox.post("/presence", user="bob", status="dnd")
        await page.until("document.querySelector('#people .dot[data-status=dnd]')")
        await send(sandbox, channel, "one more")
        await page.until(f"{NEWER}.textContent === '1 new message ↓'")
        await send(sandbox, channel, "and another")
        await page.until(f"{NEWER}.textContent === '2 new messages ↓'")
        assert await page.evaluate(TOP) == 300
        await page.click("#newer")
        await page.until(f"{NEWER}.hidden && {GAP} < 2")
        # One's own message is always shown.
        await page.evaluate("document.querySelector('#scroller').scrollTop = 0")
        await page.until(f"!{NEWER}.hidden")
        await write(page, "mine")
        await page.until(f"{LAST}.includes('mine') && {GAP} < 2")
        assert page.problems == []
