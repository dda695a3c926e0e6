"""What the page shows of the bot's code: why it does not run, what a handler did, and what it raised."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.sandbox.browser import Page, binary, browser
from support.system.system import System

pytestmark = pytest.mark.skipif(binary() is None, reason="there is no chromium on this machine")

APP = """
from nescord_core import RestClient, WsListener

listener = WsListener()
rest = RestClient()

@listener.on("message_create")
async def answer(message):
    if message.content == "!ping":
        await rest.create_message(message.channel_id, content="Pong!")
    if message.content == "!long":
        await rest.create_message(message.channel_id, content="x" * 3000)
    if message.content == "!fail":
        print(mesage)
"""
TRACES = "[...document.querySelectorAll('#messages .trace')].map((each) => each.textContent).join(' | ')"
AS_TEST = """
Promise.all([import('/trace/as_test.js'), import('/trace/store.js')]).then(([{ asTest }, { traces }]) => (
  asTest(traces.find((each) => each.record.data?.content === '!ping'))))
"""


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    system = System(tmp_path / "bot")
    system.replace_app("1 +")
    try:
        yield system
    finally:
        system.close()


async def say(page: Page, text: str) -> None:
    await page.evaluate("document.querySelector('#content').focus()")
    await page.type(text)
    await page.press_enter()


async def test_the_page_shows_what_the_code_did(system: System, tmp_path: Path) -> None:
    dev = system.start("dev")
    await asyncio.to_thread(dev.wait_for, "SyntaxError")
    async with browser(tmp_path / "profile") as page:
        await page.open(f"http://127.0.0.1:{system.ports['sandbox']}/")
        await page.until("document.querySelector('#notice-title').textContent.includes('has not started')")
        assert "app.py:1: SyntaxError" in await page.evaluate("document.querySelector('#notice').textContent")
        await page.until("document.querySelector('#bot-state').textContent.startsWith('not started')")

        system.replace_app(APP)
        await page.until("document.querySelector('#notice-box').hidden")
        await page.click("#show-inspector")
        await page.until("document.querySelector('#panel').textContent.includes('Send a message to the bot')")
        await say(page, "!ping")
        await page.until(f"{TRACES}.includes('POST /channels/#general/messages')")
        shown = await page.evaluate(TRACES)
        assert "MESSAGE_CREATE" in shown
        assert "answer · bot_main/app.py:7 ·" in shown
        assert "200 POST" in shown
        made = await page.evaluate(AS_TEST)
        assert made.startswith("from nescord_core.testing import RunningBot")
        assert 'def test_ping(bot: RunningBot) -> None:\n    assert bot.ask("!ping") == "Pong!"\n' in made
        await say(page, "!fail")
        failed = "answer raised NameError: name 'mesage' is not defined (bot_main/app.py:14)"
        await page.until(f"{TRACES}.includes({failed!r})")
        await say(page, "!long")
        await page.until(f"{TRACES}.includes('was refused, 400: Invalid Form Body: content: ')")

        # The inspector lists the same, reloads included, and replays an event.
        await page.until("document.querySelectorAll('#panel details.failed').length === 2")
        await page.evaluate("document.querySelectorAll('#panel details.failed')[1].open = true")
        await page.click("#panel details[open] .row button")
        await page.until("document.querySelectorAll('#panel details.failed').length === 3")
        system.replace_app(APP.replace("Pong!", "Pong again!"))
        await page.until("document.querySelector('#panel .build')?.textContent.includes('bot_main/app.py')")
        assert (await page.evaluate("document.querySelector('#build').textContent")).startswith(
            "reloaded in "
        )
        await page.open(f"http://127.0.0.1:{system.ports['sandbox']}/")
        await page.until(f"{TRACES}.includes({failed!r})")
        assert page.problems == []
